package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/internal/text"
)

const (
	// maxBatchLine bounds a line of a batch, in bytes: a composite key of long names in JSON.
	maxBatchLine = 128 << 10
	// batchPage is how many keys are asked for before their answers are written, rangesAtOnce how
	// many of the ranges among them at the same time. The others are asked for with one question.
	batchPage, rangesAtOnce = lf.MaxAnswers, 8
)

// batchKey is a key of a batch and what came of it.
type batchKey struct {
	question
	found *lf.Result
}

// getBatch answers every key of a file, in its order.
func (c *cli) getBatch(ctx context.Context, g *getFlags) error {
	if err := g.checkForm(c); err != nil {
		return err
	}
	if g.explain || g.history || g.open || g.wide {
		return usage("--batch shows answers alone: it goes with none of --history, --explain, --wide and --open")
	}
	wait := g.wait.timeout
	g.wait.timeout = 0 // once is enough
	keys, err := c.readBatch(g)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	if wait > 0 {
		if err := client.AwaitSynced(ctx, wait); err != nil {
			return err
		}
	}
	out := &batchOutput{cli: c, get: g, head: 1}
	out.rows = [][]string{out.row("KEY", "OWNER", "TIME", "ALIVE", "VALUE")}
	for len(keys) > 0 {
		page := keys[:min(len(keys), batchPage)]
		keys = keys[len(page):]
		if err := g.askAll(ctx, client, page); err != nil {
			return err
		}
		if err := out.show(page); err != nil {
			return err
		}
	}
	return out.end()
}

// batchOutput writes the answers of a batch.
type batchOutput struct {
	*cli
	get     *getFlags
	rows    [][]string // of the table, not written yet
	head    int        // how many of them are its head
	answers jsonAnswers
	missing int   // keys without a value
	failure error // of a key, the first one
}

// show writes the answers of some keys. It fails only where nothing can be written any more.
func (b *batchOutput) show(page []batchKey) error {
	for i := range page {
		b.rows = append(b.rows, b.rowsOf(&page[i])...)
		err := b.showBatch(b.get, &page[i], &b.answers)
		var none *notFoundError
		var unwritten *os.PathError
		switch {
		case errors.As(err, &unwritten): // nobody reads the output any more
			return err
		case errors.As(err, &none):
			b.missing++
			b.note("%v", err)
		case err != nil && b.failure != nil:
			b.note("%v", err)
		case err != nil:
			b.failure = err
		}
	}
	if b.json || b.get.raw || b.get.jsonl || len(b.rows) <= b.head {
		return nil
	}
	rows := b.rows
	b.rows, b.head = nil, 0 // the head stands above the first rows alone
	return b.print(table(rows))
}

// end writes what is written at the end, and says what was missing.
func (b *batchOutput) end() error {
	if b.json {
		b.answers.Answers = append([]jsonAnswer{}, b.answers.Answers...)
		b.failure = errors.Join(b.printJSON(b.answers), b.failure)
	}
	switch {
	case b.failure != nil:
		return b.failure
	case b.missing > 0:
		return notFound("%s no value", text.Count(b.missing, "key has", "keys have"))
	}
	return nil
}

// rowsOf are the answers as rows of a table.
func (b *batchOutput) rowsOf(k *batchKey) (rows [][]string) {
	for _, a := range k.found.Answers {
		rows = append(rows, b.row(text.Printable(a.Key.String()), shortOwner(a.Owner), text.LocalTime(a.Header().Timestamp), aliveCell(a), shownVersion(&a.Version)))
	}
	return rows
}

// row leaves out what is alive where nobody asks: what is written first does not know of the rest.
func (b *batchOutput) row(key, owner, time, alive, value string) []string {
	if b.get.alive == 0 {
		return []string{key, owner, time, value}
	}
	return []string{key, owner, time, alive, value}
}

// askAll asks for the keys of a page: all that are no ranges with one question.
func (g *getFlags) askAll(ctx context.Context, client *lf.Client, page []batchKey) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(rangesAtOnce)
	var points []*batchKey
	for i := range page {
		k := &page[i]
		if k.key.Exact() {
			points = append(points, k)
			continue
		}
		group.Go(func() (err error) {
			k.found, err = g.ask(ctx, client, k.question)
			return err
		})
	}
	if len(points) > 0 {
		group.Go(func() error { return g.askPoints(ctx, client, points) })
	}
	return group.Wait()
}

// askPoints asks for keys that have one answer at most. As with one key, --all leaves deleted
// answers out.
func (g *getFlags) askPoints(ctx context.Context, client *lf.Client, points []*batchKey) error {
	keys := make([]lf.Key, len(points))
	for i, k := range points {
		keys[i] = k.key
	}
	i := 0
	for l, err := range client.GetMany(ctx, keys, points[0].options...) {
		if err != nil {
			return err
		}
		found := new(lf.Result)
		var damaged *lf.DamagedError
		if l.Answer != nil && !(g.all && l.Answer.Deleted) {
			found.Answers = []*lf.Answer{l.Answer}
		}
		if errors.Is(l.Err, lf.ErrLapsed) {
			found.Answers, found.Lapsed = nil, 1
		}
		if errors.As(l.Err, &damaged) {
			found.Damaged = []*lf.DamagedError{damaged}
		}
		points[i].found = found
		i++
	}
	return nil
}

// showBatch writes the answers of one key. The error says what is missing of them.
func (c *cli) showBatch(g *getFlags, k *batchKey, all *jsonAnswers) error {
	switch {
	case c.json:
		page := answersJSON(k.question, k.found)
		all.Answers, all.Damaged = append(all.Answers, page.Answers...), append(all.Damaged, page.Damaged...)
		all.More, all.Lapsed = all.More || page.More, all.Lapsed+page.Lapsed
	case g.jsonl:
		return c.printLines(k.question, k.found)
	case g.raw:
		if err := c.printRaw(k.question, k.found.Answers); err != nil {
			return err
		}
	}
	if k.found.More {
		c.note("%s: there are more answers: %s", k.key, k.narrower())
	}
	if len(k.found.Damaged) > 0 {
		return c.damagedIn(k.found)
	}
	return nothingIn(k.question, k.found)
}

// readBatch reads the keys of a batch, all of them before the first is asked for.
func (c *cli) readBatch(g *getFlags) (keys []batchKey, err error) {
	err = c.eachInBatch(g.batch, func(expressions []string) error {
		q, err := g.question(expressions)
		q.lines = true
		keys = append(keys, batchKey{question: q})
		return err
	})
	return keys, err
}

// eachInBatch reads a file of keys, - for standard input.
func (c *cli) eachInBatch(path string, do func(expressions []string) error) error {
	var in io.Reader = c.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("--batch: %w", err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 4<<10), maxBatchLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			continue
		}
		expressions, err := batchLine(line)
		if err == nil {
			err = do(expressions)
		}
		if err != nil {
			return fmt.Errorf("--batch %s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("--batch %s, line %d: %w", path, n+1, err)
	}
	return nil
}

// batchLine reads a line: an expression, or a JSON list of several.
func batchLine(line string) (expressions []string, err error) {
	if !strings.HasPrefix(line, "[") {
		return []string{line}, nil
	}
	if err := strictjson.Unmarshal([]byte(line), &expressions, 0); err != nil {
		return nil, fmt.Errorf("a line that begins with [ is a JSON list of names: %w", err)
	}
	return expressions, nil
}

// loadLine is a value as lf load takes it.
type loadLine struct {
	Selectors   []string `json:"selectors"`
	Value       *string  `json:"value,omitempty"`
	ValueBase64 *[]byte  `json:"valueBase64,omitempty"`
}

// printLines writes a line for each value. The error says what is left out.
func (c *cli) printLines(q question, found *lf.Result) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	sealed := 0
	for _, a := range found.Answers {
		line := loadLine{Selectors: a.KeyAsSet().Expressions()}
		switch value := a.Text(); {
		case a.Deleted || a.Damaged != nil:
			continue
		case a.Sealed:
			sealed++
			continue
		case utf8.ValidString(value):
			line.Value = &value
		default:
			line.ValueBase64 = &a.Value
		}
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("encode a value: %w", err)
		}
	}
	if err := c.print(b.String()); err != nil {
		return err
	}
	if found.More {
		c.note("%s: there are more answers: %s", q.key, q.narrower())
	}
	switch {
	case len(found.Damaged) > 0:
		return c.damagedIn(found)
	case sealed > 0:
		return fmt.Errorf("%s: %s left out: %w", q.key, text.Count(sealed, "value is", "values are"), lf.ErrSealed)
	}
	return nothingIn(q, found)
}
