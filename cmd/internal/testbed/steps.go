package testbed

import (
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/text"
)

// maxSteps bounds the steps of a scenario.
const maxSteps = 1000

// readSteps reads and rehearses the steps.
func (r *rehearsal) readSteps(v *value) {
	switch {
	case v.kind != list || len(v.list) == 0:
		r.wrong(v.spot, "here belongs a list of steps, such as - start: all")
		return
	case len(v.list) > maxSteps:
		r.wrong(v.list[maxSteps].spot, "there are more than %d steps", maxSteps)
		return
	}
	all := words()
	for _, item := range v.list {
		before := len(r.mistakes)
		step := r.step(all, item)
		if step == nil || len(r.mistakes) > before {
			// What follows was written for a step that is not there: more mistakes would tell
			// nothing new.
			return
		}
		r.scenario.Steps = append(r.scenario.Steps, step)
	}
}

// step reads one step: a mapping of its word and, maybe, its name; or the word alone.
func (r *rehearsal) step(all []word, v *value) *Step {
	if v.kind == scalar {
		return r.act(all, v, &value{spot: v.spot}, "")
	}
	if v.kind != mapping {
		r.wrong(v.spot, "a step begins with its word, such as - start: all")
		return nil
	}
	var key, what *value
	var name string
	for _, p := range v.pairs {
		switch {
		case p.key.text == "name" && p.key.kind == scalar:
			r.text(&name, 60)(p.value)
			if slices.ContainsFunc(r.scenario.Steps, func(s *Step) bool { return s.Name == name }) {
				r.wrong(p.value.spot, "a step before is called %q already: give this one another name", name)
			}
		case key != nil:
			r.wrong(p.key.spot, "a step has one word, and this has %q and %q: begin another step with a dash", key.text, p.key.text)
			return nil
		default:
			key, what = p.key, p.value
		}
	}
	if key == nil {
		r.wrong(v.spot, "this step does nothing: it has a name alone")
		return nil
	}
	return r.act(all, key, what, name)
}

// act reads what follows a step's word.
func (r *rehearsal) act(all []word, key, v *value, name string) *Step {
	i := slices.IndexFunc(all, func(w word) bool { return w.name == key.text })
	if i < 0 || key.kind != scalar {
		r.noWord(all, key)
		return nil
	}
	f := all[i].form(r)
	given := map[string]spot{}
	before := len(r.mistakes)
	switch {
	case v.kind == mapping:
		given = r.fields(v, all[i].name, named(f.fields))
	case v.kind == absent && f.bare:
	case v.kind == absent:
		r.wrong(key.spot, "%q stands alone: behind the colon belongs %s", key.text, f.wants())
	default:
		f.alone(v, r, key)
	}
	if len(r.mistakes) > before {
		return nil
	}
	do := f.done(key.spot, given)
	if name == "" {
		name = fmt.Sprintf("%d %s", len(r.scenario.Steps)+1, key.text)
	}
	return &Step{Name: name, Line: key.line, Do: do}
}

// alone reads a value that stands where a mapping could.
func (f *form) alone(v *value, r *rehearsal, key *value) {
	for _, one := range f.fields {
		if one.name == f.short {
			one.read(v)
			return
		}
	}
	r.wrong(v.spot, "behind %q belongs %s", key.text, f.wants())
}

// wants says what may stand behind the word.
func (f *form) wants() string {
	text := "a mapping of " + text.Join(namesOf(named(f.fields)), "and")
	for _, one := range f.fields {
		if one.name == f.short && f.short != "" {
			text = one.kind + ", or " + text
		}
	}
	return text
}

// named leaves out what can only stand alone.
func named(fields []field) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return f.name == "" })
}

func (r *rehearsal) noWord(all []word, key *value) {
	var known []string
	for _, w := range all {
		known = append(known, w.name)
	}
	if near := nearest(key.text, known); near != "" {
		r.wrong(key.spot, "there is no step %q: did you mean %q?", key.text, near)
		return
	}
	r.wrong(key.spot, "there is no step %q: there are %s", key.text, text.Join(known, "and"))
}
