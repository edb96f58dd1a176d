package tabular

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Process copies in to out and replaces the cells that o selects by what t
// makes of them.
//
// It returns when nothing of it runs any more. An error means that out holds
// a part of the file, which is to be thrown away; the Report counts what was
// written. When ctx ends, Process returns its cause as soon as the Read, Write
// or Transform at work returns; it cannot interrupt these.
func Process(ctx context.Context, in io.Reader, out io.Writer, o Options, t Transform) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	var f format
	if o.Format == CSV {
		f = newCSVFormat(&o)
	} else {
		f = newJSONFormat(&o)
	}
	split := &splitter{in: in, size: o.chunk, quotes: o.Format == CSV}
	e := &emitter{o: &o, out: out, format: f, columns: map[string]int{}}
	for _, name := range o.Columns {
		e.column(name)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	// A chunk is in one of three hands: the reader's, a worker's, or in line
	// to be written. Two per worker keep all busy; more would only be memory.
	pool := 2*o.Workers + 2
	free, jobs, order := make(chan *chunk, pool), make(chan *chunk, pool), make(chan *chunk, pool)
	for range pool {
		free <- &chunk{done: make(chan struct{}, 1)}
	}
	var wg sync.WaitGroup
	defer wg.Wait() // runs after cancel
	defer cancel(nil)
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		read(ctx, split, f, free, jobs, order)
	})
	for range o.Workers {
		wg.Go(func() {
			p := f.parser()
			for c := range jobs {
				if c.err == nil && ctx.Err() == nil {
					c.err = c.work(ctx, f, p, t)
				}
				c.done <- struct{}{}
			}
		})
	}
	for c := range order {
		<-c.done
		if err := e.emit(ctx, c); err != nil {
			return e.report, err
		}
		free <- c
	}
	// The reader also stops when ctx ends, and then the file is not whole.
	if err := context.Cause(ctx); err != nil {
		return e.report, err
	}
	return e.report, e.finish()
}

// format is what CSV and JSON Lines do differently.
type format interface {
	// begin looks at the beginning of the file and sets c.skip. It is called
	// with one chunk after the other until it returns true.
	begin(c *chunk) (bool, error)
	// end is called when the file ends before begin returned true.
	end() error
	// parser returns a parser for one goroutine.
	parser() parser
	// appendNew appends the new value of c's cell i as it is written in the
	// file. An error concerns this cell alone.
	appendNew(dst []byte, c *chunk, i int) ([]byte, Change, error)
}

// parser finds the cells of a chunk.
type parser interface {
	parse(c *chunk) error
}

// read hands out the chunks of the file, in order, until its end, the first
// error, or the end of ctx.
func read(ctx context.Context, split *splitter, f format, free <-chan *chunk, jobs, order chan<- *chunk) {
	for begun := false; ; {
		var c *chunk
		select {
		case c = <-free:
		case <-ctx.Done():
			return
		}
		c.reset()
		more, err := split.next(ctx, c)
		if err == nil && !more {
			if begun {
				return
			}
			if err = f.end(); err == nil {
				return
			}
		}
		if err == nil && !begun {
			begun, err = f.begin(c)
		}
		c.err = err
		order <- c
		jobs <- c
		if err != nil {
			return
		}
	}
}

// emitter writes what the workers made, in order.
type emitter struct {
	o       *Options
	out     io.Writer
	format  format
	report  Report
	columns map[string]int            // index into report.Columns
	ids     map[[idHash]byte]struct{} // of the rows before
	exist   []string                  // JSON Lines: the first row's columns
}

// idHash is the length in bytes of what is kept of each record id. Two ids
// that are taken for one by chance are not to be feared at 2^-128 per pair;
// made on purpose, at 2^64 hashes, they only get their own file refused.
const idHash = 16

func hashID(id string) [idHash]byte {
	sum := sha256.Sum256([]byte(id))
	return [idHash]byte(sum[:])
}

func (e *emitter) emit(ctx context.Context, c *chunk) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if c.err != nil {
		var at *Error
		if errors.As(c.err, &at) && at.Row > 0 {
			at.Row += e.report.Rows
		}
		return c.err
	}
	if err := e.unique(c); err != nil {
		return err
	}
	if e.exist == nil {
		e.exist = c.exist
	}
	for _, v := range c.events {
		if err := e.tell(c.place(v.cell, e.report.Rows), v); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if n, err := e.out.Write(c.output()); err != nil {
		return fmt.Errorf("write: %w", err)
	} else if n < len(c.output()) {
		return fmt.Errorf("write: %w", io.ErrShortWrite)
	}
	e.report.Rows += c.rows
	for _, col := range c.columns {
		i := e.column(col.Column)
		if i >= MaxColumns {
			return &Error{Place{Column: col.Column}, tooLarge("columns, a number", MaxColumns)}
		}
		r := &e.report.Columns[i]
		r.Cells += col.Cells
		r.Replaced += col.Replaced
		r.Empty += col.Empty
		r.Failed += col.Failed
	}
	if e.o.Progress != nil {
		e.o.Progress(c.read)
	}
	return nil
}

// unique refuses a record id that was there before.
func (e *emitter) unique(c *chunk) error {
	if e.ids == nil && len(c.ids) > 0 {
		e.ids = map[[idHash]byte]struct{}{}
	}
	for i, id := range c.ids {
		n := len(e.ids)
		if e.ids[id.hash] = struct{}{}; len(e.ids) == n {
			at := Place{Row: e.report.Rows + int64(i) + 1, Line: id.line, Record: id.text, Column: e.o.RecordID}
			return &Error{at, ErrDuplicateRecord}
		}
	}
	return nil
}

// tell calls the caller back about one cell.
func (e *emitter) tell(at Place, v event) error {
	switch {
	case v.err != nil && e.o.Failed != nil:
		return e.o.Failed(at, v.err)
	case v.err != nil:
		return &Error{at, v.err}
	case v.change == Requoted:
		e.report.Requoted++
	case v.change == Converted:
		e.report.Converted++
	}
	if e.o.Warn != nil {
		e.o.Warn(at, v.change)
	}
	return nil
}

func (e *emitter) column(name string) int {
	i, ok := e.columns[name]
	if !ok {
		i = len(e.report.Columns)
		e.columns[name] = i
		e.report.Columns = append(e.report.Columns, ColumnReport{Column: name})
	}
	return i
}

// finish refuses what only the whole file can tell: in JSON Lines, a chosen
// column that no row had. To pass such a file as done would leave plaintext
// where a name was mistyped.
func (e *emitter) finish() error {
	if e.o.Format != JSONLines || e.report.Rows == 0 {
		return nil
	}
	for _, name := range e.o.Columns {
		if r := e.report.Columns[e.columns[name]]; r.Cells+r.Empty == 0 {
			return unknownColumn(name, e.exist)
		}
	}
	return nil
}
