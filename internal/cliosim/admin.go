package cliosim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Counters are the requests answered since the start or the last reset.
type Counters struct {
	// Requests counts by "GET /api/v4/matters/*" and status; 0 where the
	// connection ended without an answer.
	Requests map[string]map[int]int `json:"requests"`
	// Total counts them all, Limited those answered 429.
	Total   int `json:"total"`
	Limited int `json:"limited"`
}

var digits = regexp.MustCompile(`/[0-9]+(/|$)`)

// count adds a request with its outcome.
func (s *Sim) count(r *http.Request, status int) {
	route := r.Method + " " + digits.ReplaceAllString(strings.TrimSuffix(r.URL.Path, ".json"), "/*$1")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counters.Requests[route] == nil {
		s.counters.Requests[route] = map[int]int{}
	}
	s.counters.Requests[route][status]++
	s.counters.Total++
}

// Counters returns a copy of the counters.
func (s *Sim) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counters
	c.Requests = map[string]map[int]int{}
	for route, by := range s.counters.Requests {
		c.Requests[route] = maps.Clone(by)
	}
	return c
}

// ResetCounters starts the counters anew.
func (s *Sim) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters = Counters{Requests: map[string]map[int]int{}}
}

// Index lets the search see everything that is there.
func (s *Sim) Index(ctx context.Context) error {
	return s.within(ctx, true, func(t *tx) error { return t.exec("UPDATE record SET indexed = 1") })
}

// Person does what somebody does in Clio's own pages: a request to the API in
// the name of the user of this email, which no rate limit, fault or counter
// sees. Path is below /api/v4 and may have a query. Data is the data of the
// body, nil for none. The answer's data comes back, and its etag.
func (s *Sim) Person(ctx context.Context, email, method, path string, data any) (json.RawMessage, string, error) {
	u, err := url.Parse(path)
	if err != nil {
		return nil, "", fmt.Errorf("cliosim: path: %w", err)
	}
	q := request{method: method, path: strings.TrimSuffix(u.Path, ".json"), query: u.Query(), header: http.Header{}, base: u.Path}
	if data != nil {
		q.header.Set("Content-Type", "application/json")
		if q.body, err = json.Marshal(map[string]any{"data": data}); err != nil {
			return nil, "", fmt.Errorf("cliosim: %w", err)
		}
	}
	c := &caller{}
	err = s.within(ctx, false, func(t *tx) (err error) {
		c.user, err = t.user(email)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if c.user == nil {
		return nil, "", fmt.Errorf("cliosim: no user %s", email)
	}
	a, err := s.perform(ctx, c, q)
	if err != nil {
		return nil, "", fmt.Errorf("cliosim: %s %s: %w", method, path, err)
	}
	if len(a.body) == 0 {
		return nil, "", nil
	}
	var body struct {
		Data json.RawMessage `json:"data"`
	}
	return body.Data, a.header.Get("ETag"), json.Unmarshal(a.body, &body)
}

// SetMembers sets which custom fields a custom field set has, which the API
// cannot.
func (s *Sim) SetMembers(ctx context.Context, set int64, fields ...int64) error {
	return s.within(ctx, true, func(t *tx) error {
		r, err := t.get("custom_field_set", set)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("cliosim: no custom field set %d", set)
		}
		members := []any{}
		for _, id := range fields {
			members = append(members, map[string]any{"id": idJSON(id)})
		}
		r.data["custom_fields"] = members
		return t.put(r)
	})
}

// Value is a stored value of a custom field.
type Value struct {
	// ID is the value's id in the API, such as "text_line-1".
	ID string `json:"id"`
	// Parent is the type of the record that has it, "Matter" or "Contact", and
	// Record its id.
	Parent string `json:"parent"`
	Record int64  `json:"record"`
	Field  int64  `json:"field"`
	// JSON is the value as it is kept, null where it was emptied.
	JSON json.RawMessage `json:"value"`
}

// Values returns every value that is stored, those of deleted fields too, in
// the order in which they were first set.
func (s *Sim) Values(ctx context.Context) ([]Value, error) {
	var all []Value
	err := s.within(ctx, false, func(t *tx) error {
		rows, err := t.QueryContext(t.ctx, `SELECT v.id, v.kind, v.parent, v.field, json_extract(f.data, '$.field_type'), coalesce(v.value, 'null')
			FROM value v JOIN record f ON f.kind = 'custom_field' AND f.id = v.field ORDER BY v.id`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var n int64
			var x Value
			var kind, fieldType, raw string
			if err := rows.Scan(&n, &kind, &x.Record, &x.Field, &fieldType, &raw); err != nil {
				return err
			}
			x.ID, x.Parent, x.JSON = fmt.Sprintf("%s-%d", fieldType, n), title(kind), json.RawMessage(raw)
			all = append(all, x)
		}
		return rows.Err()
	})
	return all, err
}

// admin answers what is below /_sim: the methods above for other processes.
// There is no password: it listens where only tests and demonstrations are.
func (s *Sim) admin(r *http.Request, body []byte) *answer {
	ctx := r.Context()
	var in struct {
		Email       string      `json:"email"`
		App         string      `json:"app"`
		Token       string      `json:"token"`
		Method      string      `json:"method"`
		Path        string      `json:"path"`
		Data        any         `json:"data"`
		Set         int64       `json:"set"`
		Fields      []int64     `json:"fields"`
		Faults      []Fault     `json:"faults"`
		Permissions Permissions `json:"permissions"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return failure(badRequest("%v", err))
		}
	}
	out := any(map[string]any{})
	var err error
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_sim/") {
	case "GET counters":
		out = s.Counters()
	case "DELETE counters":
		s.ResetCounters()
	case "GET settings":
		out = s.Settings()
	case "PUT settings":
		settings := s.Settings()
		if json.Unmarshal(body, &settings) != nil {
			err = badRequest("these are no settings")
		} else {
			s.SetSettings(settings)
		}
	case "PUT faults":
		if err = s.SetFaults(in.Faults); err != nil {
			err = badRequest("%v", err)
		}
	case "POST index":
		err = s.Index(ctx)
	case "POST token":
		out, err = s.Issue(ctx, in.Email, in.App)
	case "POST revoke":
		if in.Token != "" {
			err = s.RevokeToken(ctx, in.Token)
		} else {
			err = s.RevokeUser(ctx, in.Email)
		}
	case "POST expire":
		err = s.ExpireTokens(ctx, in.Email)
	case "POST permit":
		err = s.Permit(ctx, in.Email, in.Permissions)
	case "POST members":
		err = s.SetMembers(ctx, in.Set, in.Fields...)
	case "GET values":
		out, err = s.Values(ctx)
	case "POST person":
		var data json.RawMessage
		var etag string
		data, etag, err = s.Person(ctx, in.Email, in.Method, in.Path, in.Data)
		out = map[string]any{"data": data, "etag": etag}
	default:
		err = notFound("The page")
	}
	if err != nil {
		return failure(err)
	}
	a, err := jsonAnswer(http.StatusOK, out)
	if err != nil {
		return failure(err)
	}
	return a
}
