package testbed

import (
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/text"
)

// maxSteps bounds the steps of a scenario.
const maxSteps = 1000

// readSteps reads the steps, each as part of the dry run.
func (r *dryRun) readSteps(v *value) {
	switch {
	case v.kind != list || len(v.list) == 0:
		r.errorf(v.position, "here belongs a list of steps, such as - start: all")
		return
	case len(v.list) > maxSteps:
		r.errorf(v.list[maxSteps].position, "there are more than %d steps", maxSteps)
		return
	}
	all := actionSchemas()
	for _, item := range v.list {
		before := len(r.errs)
		step := r.readStep(all, item)
		if step == nil || len(r.errs) > before {
			// Later steps build on this one: more errors would tell nothing new.
			return
		}
		r.scenario.Steps = append(r.scenario.Steps, step)
	}
}

// readStep reads one step: a mapping of its word and, maybe, its name; or the word alone.
func (r *dryRun) readStep(all []actionSchema, v *value) *Step {
	if v.kind == scalar {
		return r.readAction(all, v, &value{position: v.position}, "")
	}
	if v.kind != mapping {
		r.errorf(v.position, "a step begins with its word, such as - start: all")
		return nil
	}
	var key, what *value
	var name string
	for _, p := range v.pairs {
		switch {
		case p.key.text == "name" && p.key.kind == scalar:
			r.text(&name, 60)(p.value)
			if slices.ContainsFunc(r.scenario.Steps, func(s *Step) bool { return s.Name == name }) {
				r.errorf(p.value.position, "a step before is called %q already: give this one another name", name)
			}
		case key != nil:
			r.errorf(p.key.position, "a step has one word, and this has %q and %q: begin another step with a dash", key.text, p.key.text)
			return nil
		default:
			key, what = p.key, p.value
		}
	}
	if key == nil {
		r.errorf(v.position, "this step does nothing: it has a name alone")
		return nil
	}
	return r.readAction(all, key, what, name)
}

// readAction reads what follows a step's word.
func (r *dryRun) readAction(all []actionSchema, key, v *value, name string) *Step {
	i := slices.IndexFunc(all, func(w actionSchema) bool { return w.name == key.text })
	if i < 0 || key.kind != scalar {
		r.unknownAction(all, key)
		return nil
	}
	f := all[i].form(r)
	given := map[string]position{}
	before := len(r.errs)
	switch {
	case v.kind == mapping:
		given = r.fields(v, all[i].name, namedFields(f.fields))
	case v.kind == absent && f.bare:
	case v.kind == absent:
		r.errorf(key.position, "%q stands alone: after the colon belongs %s", key.text, f.wants())
	default:
		f.alone(v, r, key)
	}
	if len(r.errs) > before {
		return nil
	}
	do := f.done(key.position, given)
	if name == "" {
		name = fmt.Sprintf("%d %s", len(r.scenario.Steps)+1, key.text)
	}
	return &Step{Name: name, Line: key.line, Do: do}
}

// alone reads a value that stands where a mapping could.
func (f *form) alone(v *value, r *dryRun, key *value) {
	for _, one := range f.fields {
		if one.name == f.short {
			one.read(v)
			return
		}
	}
	r.errorf(v.position, "after %q belongs %s", key.text, f.wants())
}

// wants says what may follow the word.
func (f *form) wants() string {
	text := "a mapping of " + text.Join(namesOf(namedFields(f.fields)), "and")
	for _, one := range f.fields {
		if one.name == f.short && f.short != "" {
			text = one.kind + ", or " + text
		}
	}
	return text
}

// namedFields leaves out the field that can only stand alone.
func namedFields(fields []field) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(f field) bool { return f.name == "" })
}

func (r *dryRun) unknownAction(all []actionSchema, key *value) {
	var known []string
	for _, w := range all {
		known = append(known, w.name)
	}
	if near := nearest(key.text, known); near != "" {
		r.errorf(key.position, "there is no step %q: did you mean %q?", key.text, near)
		return
	}
	r.errorf(key.position, "there is no step %q: there are %s", key.text, text.Join(known, "and"))
}
