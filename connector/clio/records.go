package clio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/underseal/underseal/connector"
)

// List implements [connector.Reader]. A cursor is good for the same call, kind
// and fields only, also in a later program.
func (c *Connector) List(ctx context.Context, kind string, fields []string, cursor string) (connector.Page, error) {
	path, err := plural(kind)
	if err != nil {
		return connector.Page{}, err
	}
	q, err := only(fields)
	if err != nil {
		return connector.Page{}, err
	}
	return c.records(ctx, kind, path, fields, q, cursor)
}

// Changed implements [connector.Recent]. The time of an answer is that of its
// Date header, to the second.
func (c *Connector) Changed(ctx context.Context, kind string, fields []string, since time.Time, cursor string) (connector.Page, error) {
	path, err := plural(kind)
	if err != nil {
		return connector.Page{}, err
	}
	q, err := only(fields)
	if err != nil {
		return connector.Page{}, err
	}
	if !since.IsZero() {
		q.Set("updated_since", since.UTC().Format(time.RFC3339))
	}
	return c.records(ctx, kind, path, fields, q, cursor)
}

func (c *Connector) records(ctx context.Context, kind, path string, fields []string, q url.Values, cursor string) (connector.Page, error) {
	list, err := list[recordShape](ctx, c, path+".json", q, cursor)
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Next: list.next, Total: list.total, At: list.at, Records: make([]connector.Record, 0, len(list.items))}
	for _, shape := range list.items {
		r, err := shape.record(kind, fields)
		if err != nil {
			return connector.Page{}, err
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

func (r recordShape) number() int64 { return r.ID }
func (f fieldShape) number() int64  { return f.ID }
func (s setShape) number() int64    { return s.ID }

// items is one page of any list.
type items[T any] struct {
	items []T
	next  string
	total int
	at    time.Time
}

// list asks for a page. A cursor is the last id of the page before, so that
// the next cannot go back, and the query of the link to the next: all of what
// a link says that is followed.
func list[T interface{ number() int64 }](ctx context.Context, c *Connector, path string, q url.Values, cursor string) (items[T], error) {
	var none items[T]
	q.Set("limit", strconv.Itoa(pageSize))
	q.Set("order", "id(asc)")
	query, last := q.Encode(), int64(0)
	if cursor != "" {
		id, rest, ok := strings.Cut(cursor, " ")
		n, err := number(id)
		if _, bad := url.ParseQuery(rest); !ok || err != nil || bad != nil || len(rest) > maxURL {
			return none, fmt.Errorf("clio: not a cursor of this connector: %w", connector.ErrMalformed)
		}
		query, last = rest, n
	}
	var at time.Time
	body, err := c.do(ctx, call{method: methodGet, path: path, query: query, want: statusOK, at: &at})
	if err != nil {
		return none, err
	}
	var answer listShape[T]
	if err := decode(body, &answer); err != nil {
		return none, err
	}
	if answer.Data == nil || len(*answer.Data) > pageSize {
		return none, malformed("a list")
	}
	out := items[T]{items: *answer.Data, total: -1, at: at}
	if n := answer.Meta.Records; n != nil && *n >= 0 {
		out.total = *n
	}
	for _, item := range out.items {
		if item.number() <= last {
			return none, malformed("a list that is not in the order of its ids")
		}
		last = item.number()
	}
	if answer.Meta.Paging.Next == "" {
		return out, nil
	}
	next, err := url.Parse(answer.Meta.Paging.Next)
	if err != nil || len(answer.Meta.Paging.Next) > maxURL || !c.cfg.App.Site.same(next, path) {
		return none, malformed("a link that leads elsewhere")
	}
	if _, err := url.ParseQuery(next.RawQuery); err != nil || next.RawQuery == query || len(out.items) == 0 {
		return none, malformed("a link that leads nowhere")
	}
	out.next = strconv.FormatInt(last, 10) + " " + next.RawQuery
	return out, nil
}

// all is a list with all its pages.
func all[T interface{ number() int64 }](ctx context.Context, c *Connector, path string, q url.Values) ([]T, error) {
	var found []T
	for cursor := ""; ; {
		page, err := list[T](ctx, c, path, q, cursor)
		if err != nil {
			return nil, err
		}
		found = append(found, page.items...)
		if page.next == "" {
			return found, nil
		}
		if len(found) > maxDefinitions {
			return nil, malformed("a list without an end")
		}
		cursor = page.next
	}
}

// maxDefinitions bounds a list that is read at once.
const maxDefinitions = 20_000

// Get implements [connector.Reader].
func (c *Connector) Get(ctx context.Context, kind, id string, fields []string) (connector.Record, error) {
	path, q, err := one(kind, id, fields)
	if err != nil {
		return connector.Record{}, err
	}
	body, err := c.do(ctx, call{method: methodGet, path: path, query: q, want: statusOK})
	if err == nil {
		var r connector.Record
		if r, err = readOne(body, kind, id, fields); err == nil {
			return r, nil
		}
	}
	return connector.Record{}, about(kind, id, err)
}

// Write implements [connector.Writer]: one PATCH for all changes, on the
// condition that the record has r's version.
func (c *Connector) Write(ctx context.Context, r connector.Record, changes []connector.Change) (connector.Record, error) {
	fail := func(err error) (connector.Record, error) { return connector.Record{}, about(r.Kind, r.ID, err) }
	if !isCondition(r.Version) || len(changes) == 0 {
		return fail(fmt.Errorf("clio: a write without a version or a change: %w", connector.ErrRefused))
	}
	fields := make([]string, 0, len(changes))
	for _, change := range changes {
		fields = append(fields, change.Field)
	}
	path, q, err := one(r.Kind, r.ID, fields)
	if err != nil {
		return fail(err)
	}
	body, err := patch(changes)
	if err != nil {
		return fail(err)
	}
	body, err = c.do(ctx, call{method: methodPatch, path: path, query: q, want: statusOK, ifMatch: r.Version, body: body})
	if errors.Is(err, connector.ErrRefused) && !errors.Is(err, connector.ErrUncertain) {
		err = c.whyRefused(ctx, fields, err)
	}
	if err != nil {
		return fail(err)
	}
	written, err := readOne(body, r.Kind, r.ID, fields)
	if err != nil {
		// It was accepted, and what is there now is not known.
		return fail(fmt.Errorf("%w: %w", connector.ErrUncertain, err))
	}
	return written, nil
}

// whyRefused tells whether a write was refused because one of the fields was deleted
// meanwhile: an answer does not say so in words to rely on.
func (c *Connector) whyRefused(ctx context.Context, fields []string, refused error) error {
	for _, f := range fields {
		id, err := number(f)
		if err != nil {
			return err
		}
		d, err := c.standing(ctx, id, false)
		switch {
		case errors.Is(err, connector.ErrNotFound), err == nil && d.Deleted:
			return fmt.Errorf("clio: the field %s: %w", f, connector.ErrNotFound)
		case err != nil:
			return refused
		}
	}
	return refused
}

// about names the record of an error, once.
func about(kind, id string, err error) error {
	var named *connector.RecordError
	if errors.As(err, &named) {
		return err
	}
	return &connector.RecordError{Kind: kind, ID: id, Err: err}
}

// one is the path and the query of one record.
func one(kind, id string, fields []string) (path, query string, err error) {
	if path, err = plural(kind); err != nil {
		return "", "", err
	}
	if _, err = number(id); err != nil {
		return "", "", err
	}
	q, err := only(fields)
	if err != nil {
		return "", "", err
	}
	return path + "/" + id + ".json", q.Encode(), nil
}

func readOne(body []byte, kind, id string, fields []string) (connector.Record, error) {
	var answer showShape[recordShape]
	if err := decode(body, &answer); err != nil {
		return connector.Record{}, err
	}
	if answer.Data == nil || strconv.FormatInt(answer.Data.ID, 10) != id {
		return connector.Record{}, malformed("another record")
	}
	return answer.Data.record(kind, fields)
}

// patch is the body of a write. Elements that exist are named by their own id,
// the others by their field's.
func patch(changes []connector.Change) ([]byte, error) {
	type element struct {
		ID      string           `json:"id,omitempty"`
		Field   *idShape         `json:"custom_field,omitempty"`
		Value   *json.RawMessage `json:"value,omitempty"`
		Destroy bool             `json:"_destroy,omitempty"`
	}
	refused := func(what string) ([]byte, error) {
		return nil, fmt.Errorf("clio: %s: %w", what, connector.ErrRefused)
	}
	null := json.RawMessage("null")
	seen := map[string]bool{}
	elements := make([]element, 0, len(changes))
	for _, change := range changes {
		if seen[change.Field] {
			return refused("two changes of one field")
		}
		seen[change.Field] = true
		field, err := number(change.Field)
		if err != nil {
			return nil, err
		}
		if change.ID != "" && !isValueID(change.ID) {
			return refused("a value's id")
		}
		e := element{ID: change.ID, Destroy: change.Remove}
		if change.ID == "" {
			e.Field = &idShape{field}
		}
		switch {
		case change.Remove && (change.ID == "" || change.Data != nil):
			return refused("removing what is not there, or with a value")
		case change.Remove:
		case change.Data == nil && change.ID == "":
			return refused("an empty value where there is none")
		case change.Data == nil:
			e.Value = &null
		case !json.Valid(change.Data):
			return refused("a value that is not JSON")
		default:
			e.Value = &change.Data
		}
		elements = append(elements, e)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	// A value goes back in the spelling in which it came.
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(map[string]any{"data": map[string]any{"custom_field_values": elements}})
	if err != nil {
		return refused("values that cannot be written")
	}
	return out.Bytes(), nil
}
