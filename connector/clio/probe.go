package clio

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/underseal/underseal/connector"
)

// The assumed lengths, in characters.
const (
	lineLength = 255
	areaLength = 65_536
	maxProbe   = 1_000_000
	// maxMeet bounds how often a record is tried that others change too.
	maxMeet = 5
)

// probeName is the name of a temporary field, which nobody else gives one.
var probeName = regexp.MustCompile(`^Underseal probe [0-9a-f]{8}$`)

// bounds are what probes have shown of a type: text of kept characters comes
// back, of refused it does not.
type bounds struct{ kept, refused int }

// longest is how many characters a field of this type keeps as far as is
// known.
func (c *Connector) longest(t connector.FieldType) int {
	assumed := map[connector.FieldType]int{connector.TextLine: lineLength, connector.TextArea: areaLength}[t]
	c.mu.Lock()
	b := c.proven[t]
	c.mu.Unlock()
	assumed = max(assumed, b.kept)
	if b.refused > 0 {
		assumed = min(assumed, b.refused-1)
	}
	return assumed
}

// Probe implements [connector.Prober]. It makes a field named "Underseal probe
// …", writes to it in the kind's first record, reads back, takes the value
// away and deletes the field; fields that an earlier probe left behind are
// deleted too. ErrNotFound: there is no record to try it on.
func (c *Connector) Probe(ctx context.Context, kind string, t connector.FieldType, n int) error {
	if n < 1 || n > maxProbe || !t.HoldsToken() {
		return fmt.Errorf("clio: a probe of %d characters of %s: %w", n, t, connector.ErrRefused)
	}
	if err := c.sweep(ctx); err != nil {
		return err
	}
	record, err := c.first(ctx, kind)
	if err != nil {
		return err
	}
	for range maxMeet {
		field, err := c.probeField(ctx, kind, t)
		if err != nil {
			return err
		}
		result := c.attempt(ctx, record, field, n)
		err = c.DeleteField(ctx, field)
		switch {
		case errors.Is(err, connector.ErrNotFound) && result != nil:
			continue // another process took it for one that was left behind, once
		case err != nil && !errors.Is(err, connector.ErrNotFound):
			return errors.Join(result, fmt.Errorf("clio: the field %s stays behind: %w", field.Name, err))
		}
		c.learn(t, n, result)
		return result
	}
	return fmt.Errorf("clio: a field for the probe: %w", connector.ErrConflict)
}

// probeField makes a field of a name that no other has.
func (c *Connector) probeField(ctx context.Context, kind string, t connector.FieldType) (connector.Definition, error) {
	var suffix [4]byte
	c.mu.Lock()
	_, err := io.ReadFull(c.cfg.Chance, suffix[:])
	c.mu.Unlock()
	if err != nil {
		return connector.Definition{}, fmt.Errorf("clio: a name for the probe: %w", err)
	}
	return c.CreateField(ctx, connector.Definition{Name: "Underseal probe " + hex.EncodeToString(suffix[:]), Kind: kind, Type: t})
}

// sweep deletes fields that earlier probes left behind.
func (c *Connector) sweep(ctx context.Context) error {
	fields, err := c.fields(ctx)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if f.Deleted || !probeName.MatchString(f.Name) {
			continue
		}
		d, err := f.definition()
		if err != nil {
			return err
		}
		if err := c.DeleteField(ctx, d); err != nil && !errors.Is(err, connector.ErrNotFound) {
			return err
		}
	}
	return nil
}

// first is the kind's first record, without values.
func (c *Connector) first(ctx context.Context, kind string) (connector.Record, error) {
	path, err := plural(kind)
	if err != nil {
		return connector.Record{}, err
	}
	q := url.Values{"fields": {recordFields}, "order": {"id(asc)"}, "limit": {"1"}}
	body, err := c.do(ctx, call{method: methodGet, path: path + ".json", query: q.Encode(), want: statusOK})
	if err != nil {
		return connector.Record{}, err
	}
	var answer listShape[recordShape]
	if err := decode(body, &answer); err != nil {
		return connector.Record{}, err
	}
	switch {
	case answer.Data == nil || len(*answer.Data) > 1:
		return connector.Record{}, malformed("a list")
	case len(*answer.Data) == 0:
		return connector.Record{}, fmt.Errorf("clio: no %s to try it on: %w", kind, connector.ErrNotFound)
	}
	return (*answer.Data)[0].record(kind, nil)
}

// attempt writes and reads back n characters, and if that fails one, since a
// record may refuse every change for reasons of its own.
func (c *Connector) attempt(ctx context.Context, r connector.Record, field connector.Definition, n int) error {
	err := c.roundTrip(ctx, r, field, n)
	if !errors.Is(err, connector.ErrRefused) || n == 1 {
		return err
	}
	if short := c.roundTrip(ctx, r, field, 1); short != nil {
		return err
	}
	return fmt.Errorf("clio: %d characters: %w", n, connector.ErrTooLong)
}

// roundTrip writes n characters into a field of its own, compares what comes
// back, and removes them. People may change the record meanwhile.
func (c *Connector) roundTrip(ctx context.Context, r connector.Record, field connector.Definition, n int) error {
	text, err := json.Marshal(probeText(n))
	if err != nil {
		return err
	}
	fields := []string{field.ID}
	for range maxMeet {
		now, err := c.Get(ctx, r.Kind, r.ID, fields)
		if err != nil {
			return err
		}
		was, _ := now.Value(field.ID)
		written, err := c.Write(ctx, now, []connector.Change{{Field: field.ID, ID: was.ID, Data: text}})
		if errors.Is(err, connector.ErrConflict) || errors.Is(err, connector.ErrUncertain) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return err
		}
		value, _ := written.Value(field.ID)
		var got string
		same := json.Unmarshal(value.Data, &got) == nil && got == probeText(n)
		if value.ID != "" {
			_, err = c.Write(ctx, written, []connector.Change{{Field: field.ID, ID: value.ID, Remove: true}})
		}
		switch {
		case !same:
			return fmt.Errorf("clio: %d characters: %w", n, connector.ErrTooLong)
		case err != nil && !errors.Is(err, connector.ErrConflict) && !errors.Is(err, connector.ErrUncertain):
			return err
		}
		return nil // what is left of the value goes with the field
	}
	return fmt.Errorf("clio: a record for the probe: %w", connector.ErrConflict)
}

// probeText is n characters of a token's alphabet, in which every place looks
// different, so that a cut in the middle shows.
func probeText(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i += 10 {
		fmt.Fprintf(&b, "probe-%07d-", i)
	}
	return b.String()[:n]
}

// learn keeps what a probe has shown.
func (c *Connector) learn(t connector.FieldType, n int, result error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.proven[t]
	switch {
	case result == nil:
		b.kept = max(b.kept, n)
		if b.refused <= b.kept {
			b.refused = 0 // it keeps more than it did
		}
	case errors.Is(result, connector.ErrTooLong):
		if b.refused == 0 || n < b.refused {
			b.refused = n
		}
		b.kept = min(b.kept, b.refused-1)
	}
	c.proven[t] = b
}
