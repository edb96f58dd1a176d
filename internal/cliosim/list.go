package cliosim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pageMax is the most records in one answer.
const pageMax = 200

// selection is a condition on records, in SQL.
type selection struct {
	where []string
	args  []any
}

func (s *selection) and(where string, args ...any) {
	s.where = append(s.where, where)
	s.args = append(s.args, args...)
}

func (s *selection) sql() string { return strings.Join(s.where, " AND ") }

// list answers a page of records.
func (w *work) list() (*answer, error) {
	fields, bad := w.sim.shapes.parseFields(w.k.schema, w.q.query.Get("fields"))
	if bad != nil {
		return nil, bad
	}
	sel, err := w.filter()
	if err != nil {
		return nil, err
	}
	found, meta, err := w.page(sel)
	if err != nil {
		return nil, err
	}
	v, err := w.view(found, fields)
	if err != nil {
		return nil, err
	}
	data := make([]any, len(found))
	for i, r := range found {
		if data[i], err = v.object(w.k.schema, r, fields); err != nil {
			return nil, err
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"data": data, "meta": meta})
}

// filter turns the parameters into a condition.
func (w *work) filter() (*selection, error) {
	q := w.q.query
	sel := &selection{}
	sel.and("kind = ?", w.k.name)
	if ids := q["ids[]"]; len(ids) > 0 {
		args := make([]any, len(ids))
		for i, id := range ids {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return nil, badRequest("ids is not a list of numbers")
			}
			args[i] = n
		}
		sel.and("id IN ("+marks(len(ids))+")", args...)
	}
	for name, column := range map[string]string{"created_since": "created", "updated_since": "updated"} {
		if text := q.Get(name); text != "" {
			since, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return nil, badRequest("%s is not a time", name)
			}
			sel.and(column+" / 1000 >= ?", since.Unix())
		}
	}
	if text := q.Get("query"); text != "" {
		w.searching(sel, text)
	}
	for name := range q {
		if how, ok := w.k.filters[name]; ok {
			if err := comparing(sel, name, how, q.Get(name)); err != nil {
				return nil, err
			}
			continue
		}
		done, err := w.special(sel, name, q.Get(name))
		if err != nil {
			return nil, err
		}
		if !done {
			return nil, badRequest("%s is not simulated", name)
		}
	}
	if w.k.name == "custom_field" && q.Get("deleted") == "" {
		sel.and("NOT json_extract(data, '$.deleted')")
	}
	if w.k.name == "note" && q.Get("type") == "" {
		return nil, badRequest("type is missing")
	}
	return sel, nil
}

// searching finds text in what the search has seen yet.
func (w *work) searching(sel *selection, text string) {
	if lag := w.sim.Settings().SearchLag; lag < 0 {
		sel.and("indexed = 1")
	} else if lag > 0 {
		sel.and("(indexed = 1 OR created <= ?)", w.now.Add(-time.Duration(lag)).UnixMilli())
	}
	var places []string
	var args []any
	pattern := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
	for _, place := range w.k.search {
		places = append(places, "json_extract(data, '"+place+"') LIKE ? ESCAPE '\\'")
		args = append(args, pattern)
	}
	if w.k.name == "matter" {
		places = append(places, `EXISTS (SELECT 1 FROM record c WHERE c.kind = 'contact' AND c.id = json_extract(record.data, '$.client.id')
			AND json_extract(c.data, '$.name') LIKE ? ESCAPE '\')`)
		args = append(args, pattern)
	}
	sel.and("("+strings.Join(places, " OR ")+")", args...)
}

// comparing adds the condition of a filter such as "int $.client.id".
func comparing(sel *selection, name, how, value string) error {
	kind, place, _ := strings.Cut(how, " ")
	column := "json_extract(data, '" + place + "')"
	switch kind {
	case "int":
		if value == "null" {
			sel.and(column + " IS NULL")
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return badRequest("%s is not a number", name)
		}
		sel.and(column+" = ?", n)
	case "bool":
		is, err := strconv.ParseBool(value)
		if err != nil {
			return badRequest("%s is not true or false", name)
		}
		sel.and(column+" = ?", is)
	case "title":
		sel.and(column+" = ?", title(value))
	default:
		sel.and(column+" = ?", value)
	}
	return nil
}

func title(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// special adds the condition of a parameter that is no plain comparison. Not
// done are those that the simulator does not know.
func (w *work) special(sel *selection, name, value string) (done bool, err error) {
	switch name {
	case "ids[]", "created_since", "updated_since", "query", "fields", "limit", "offset", "order", "page_token", "custom_field_ids[]":
	case "deleted":
		is, err := strconv.ParseBool(value)
		if err != nil {
			return false, badRequest("deleted is not true or false")
		}
		sel.and("json_extract(data, '$.deleted') = ?", is)
	case "visible_and_required":
		sel.and("json_extract(data, '$.displayed') AND json_extract(data, '$.required')")
	case "status":
		var states []any
		for s := range strings.SplitSeq(value, ",") {
			states = append(states, title(s))
		}
		if w.k.name != "matter" {
			return false, nil
		}
		sel.and("json_extract(data, '$.status') IN ("+marks(len(states))+")", states...)
	case "role":
		sel.and("EXISTS (SELECT 1 FROM json_each(data, '$.roles') WHERE value = ?)", value)
	default:
		return false, nil
	}
	return true, nil
}

var orders = regexp.MustCompile(`^([a-z_]+)\((asc|desc)\)$`)

// ordering is the SQL for an order such as "name(asc)".
func (w *work) ordering(order string) (string, error) {
	m := orders.FindStringSubmatch(order)
	if m == nil {
		return "", badRequest("%s is not a valid order", order)
	}
	columns := map[string]string{"id": "id", "created_at": "created", "updated_at": "updated"}
	column := columns[m[1]]
	if column == "" {
		kind, ok := w.sim.shapes.Schemas[w.k.schema][m[1]]
		if _, refers := refersTo(kind); !ok || refers {
			return "", badRequest("%s is not a valid order", order)
		}
		column = "json_extract(data, '$." + m[1] + "')"
	}
	return column + " " + m[2] + ", id " + m[2], nil
}

// cursor is what a page_token holds: the id that a page comes after, or before.
type cursor struct {
	After  int64 `json:"after,omitempty"`
	Before int64 `json:"before,omitempty"`
}

func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // two numbers
	}
	return urlText(text)
}

// page returns the records of a page and the answer's meta.
func (w *work) page(sel *selection) ([]*record, map[string]any, error) {
	q := w.q.query
	limit := pageMax
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > pageMax {
			return nil, nil, badRequest("limit must be between 1 and %d", pageMax)
		}
		limit = n
	}
	var total int
	if err := w.QueryRowContext(w.ctx, "SELECT count(*) FROM record WHERE "+sel.sql(), sel.args...).Scan(&total); err != nil {
		return nil, nil, fmt.Errorf("cliosim: %w", err)
	}
	order := q.Get("order")
	if order == "id(asc)" && !q.Has("offset") {
		return w.cursorPage(sel, limit, total)
	}
	if q.Has("page_token") {
		return nil, nil, badRequest("page_token goes with order=id(asc)")
	}
	if order == "" {
		order = "id(asc)"
	}
	by, err := w.ordering(order)
	if err != nil {
		return nil, nil, err
	}
	offset, most := 0, w.sim.Settings().OffsetCap
	if text := q.Get("offset"); text != "" {
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 || offset >= most {
			return nil, nil, badRequest("offset must be between 0 and %d", most-1)
		}
	}
	limit = min(limit, most-offset)
	found, err := w.records(sel.sql()+" ORDER BY "+by+" LIMIT ? OFFSET ?", append(sel.args, limit, offset)...)
	paging := map[string]any{}
	if offset > 0 {
		paging["previous"] = w.link("offset", strconv.Itoa(max(0, offset-limit)))
	}
	if next := offset + limit; next < total && next < most {
		paging["next"] = w.link("offset", strconv.Itoa(next))
	}
	return found, meta(paging, total), err
}

// cursorPage pages by id, however many records there are.
func (w *work) cursorPage(sel *selection, limit, total int) ([]*record, map[string]any, error) {
	at := cursor{}
	if text := w.q.query.Get("page_token"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || decode(raw, &at) != nil {
			return nil, nil, badRequest("page_token is not valid")
		}
	}
	by := "id"
	if at.Before > 0 {
		sel.and("id < ?", at.Before)
		by = "id DESC"
	} else {
		sel.and("id > ?", at.After)
	}
	found, err := w.records(sel.sql()+" ORDER BY "+by+" LIMIT ?", append(sel.args, limit+1)...)
	if err != nil {
		return nil, nil, err
	}
	more := len(found) > limit
	found = found[:min(limit, len(found))]
	if at.Before > 0 {
		reverse(found)
	}
	paging := map[string]any{}
	if len(found) == 0 {
		return found, meta(paging, total), nil
	}
	if at.After > 0 || at.Before > 0 && more {
		paging["previous"] = w.link("page_token", cursor{Before: found[0].id}.String())
	}
	if more || at.Before > 0 {
		paging["next"] = w.link("page_token", cursor{After: found[len(found)-1].id}.String())
	}
	return found, meta(paging, total), nil
}

func reverse(found []*record) {
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
}

func meta(paging map[string]any, total int) map[string]any {
	return map[string]any{"paging": paging, "records": total}
}

// link is this request's address with one parameter changed.
func (w *work) link(name, value string) string {
	q := url.Values{}
	for n, values := range w.q.query {
		q[n] = values
	}
	q.Set(name, value)
	return w.q.base + "?" + q.Encode()
}
