package cliosim

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// SeedOptions say how large the firm is. The same options make the same firm.
type SeedOptions struct {
	// Seed of the choices, 0 is one too.
	Seed uint64
	// Matters, Contacts, Notes and Activities are how many there are; 0 of
	// matters or contacts means 2,000 and 3,000, less than 0 none.
	Matters, Contacts, Notes, Activities int
	// App that is registered; where it has no id, [DefaultApp].
	App App
}

// DefaultApp is registered where nothing else is asked for.
func DefaultApp() App {
	return App{ID: "underseal-simulated", Secret: "simulated-secret", Loopback: true}
}

// Firm is what was seeded.
type Firm struct {
	// Users are their emails: an administrator, one for accounts and billing,
	// one for reports, one without a role, and one who was disabled.
	Users []string `json:"users"`
	// App is the id of the registered application, Secret its secret.
	App    string `json:"client_id"`
	Secret string `json:"client_secret"`
	// Fields maps names to ids.
	Fields map[string]int64 `json:"fields"`
	// Values is how many values custom fields have, those that are null
	// included.
	Matters  int `json:"matters"`
	Contacts int `json:"contacts"`
	Values   int `json:"values"`
}

// ErrSeeded is returned for a file that has data already.
var ErrSeeded = errors.New("cliosim: there is data already")

// users of the firm; whoever they are taken for, they are made up.
var users = []struct{ first, last, email, kind string }{
	{"Alice", "Archer", "alice@harbor.example", "admin"},
	{"Bob", "Brandt", "bob@harbor.example", ""},
	{"Carol", "Castellano", "carol@harbor.example", "accounts billing"},
	{"Dave", "Dunne", "dave@harbor.example", "reports"},
	{"Erin", "Ekholm", "erin@harbor.example", "disabled"},
}

// fieldSpec is one of the twelve fields: one of every type.
type fieldSpec struct {
	name, parent, kind  string
	displayed, required bool
	set                 string
}

var fieldSpecs = []fieldSpec{
	{"SSN", "Contact", "text_line", true, false, "Identity"},
	{"Annual income", "Contact", "numeric", true, false, ""},
	{"Private email", "Contact", "email", true, false, "Identity"},
	{"Web page", "Contact", "url", false, false, ""},
	{"Employer", "Contact", "contact", true, false, ""},
	{"Consent on file", "Contact", "checkbox", true, true, ""},
	{"Minor's name", "Matter", "text_area", false, false, "Family law"},
	{"Settlement amount", "Matter", "currency", true, false, ""},
	{"Hearing date", "Matter", "date", true, false, "Family law"},
	{"Hearing time", "Matter", "time", false, false, "Family law"},
	{"Court", "Matter", "picklist", true, true, ""},
	{"Related matter", "Matter", "matter", true, false, ""},
}

var courts = []string{"District Court", "Court of Appeal", "Family Court", "Cour d’appel", "最高裁判所"}

// seeder fills one file.
type seeder struct {
	*tx
	o       SeedOptions
	choice  uint64
	records *sql.Stmt
	values  *sql.Stmt
	fields  map[string][]*record // by parent
	options []json.Number
	firm    Firm
}

// Seed fills an empty file with a firm, in one transaction.
func (s *Sim) Seed(ctx context.Context, o SeedOptions) (Firm, error) {
	count := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
		*n = max(*n, 0)
	}
	count(&o.Matters, 2000)
	count(&o.Contacts, 3000)
	count(&o.Notes, 0)
	count(&o.Activities, 0)
	if o.App.ID == "" {
		o.App = DefaultApp()
	}
	if err := s.Register(ctx, o.App); err != nil {
		return Firm{}, err
	}
	z := &seeder{o: o, choice: o.Seed, fields: map[string][]*record{}, firm: Firm{
		App: o.App.ID, Secret: o.App.Secret, Fields: map[string]int64{}, Matters: o.Matters, Contacts: o.Contacts,
	}}
	err := s.within(ctx, true, func(t *tx) error {
		z.tx = t
		return z.fill()
	})
	return z.firm, err
}

func (z *seeder) fill() (err error) {
	if old, err := z.tx.get("account", 100_001); err != nil || old != nil {
		return errors.Join(err, ErrSeeded)
	}
	z.records, err = z.PrepareContext(z.ctx, "INSERT INTO record (kind, id, version, created, updated, indexed, data) VALUES (?, ?, 1, ?, ?, 1, ?)")
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	defer func() { _ = z.records.Close() }()
	z.values, err = z.PrepareContext(z.ctx, "INSERT INTO value (kind, parent, field, version, created, updated, value) VALUES (?, ?, ?, 1, ?, ?, ?)")
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	defer func() { _ = z.values.Close() }()
	for _, part := range []func() error{z.people, z.definitions, z.contacts, z.matters, z.papers} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// pick chooses a number below n (splitmix64: the same on every machine).
func (z *seeder) pick(n int) int {
	z.choice += 0x9e3779b97f4a7c15
	x := z.choice
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) >> 1 % uint64(n))
}

// add writes a record made i minutes ago.
func (z *seeder) add(k string, first int64, data map[string]any) (*record, error) {
	id, err := z.next(k, first)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	at := z.now.Add(-time.Duration(1+z.pick(500_000)) * time.Minute).UnixMilli()
	if _, err := z.records.ExecContext(z.ctx, k, id, at, at, string(text)); err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	return &record{kind: k, id: id, version: 1, data: data}, nil
}

func ref(id int64) map[string]any { return map[string]any{"id": id} }

func (z *seeder) people() error {
	account, err := z.add("account", 100_001, map[string]any{"name": "Harbor & Partners", "state": "active"})
	if err != nil {
		return err
	}
	group, err := z.next("group", kinds["groups"].first)
	if err != nil {
		return err
	}
	var members []any
	for i, u := range users {
		roles := strings.Fields(strings.Replace(u.kind, "disabled", "", 1))
		r, err := z.add("user", kinds["users"].first, map[string]any{
			"name": u.first + " " + u.last, "first_name": u.first, "last_name": u.last, "email": u.email,
			"initials": u.first[:1] + u.last[:1], "enabled": u.kind != "disabled", "roles": roles, "account_owner": i == 0,
			"subscription_type": map[bool]string{true: "Attorney", false: "NonAttorney"}[i < 2], "rate": 250.5, "time_zone": "UTC",
			"account": ref(account.id), "groups": []any{ref(group)},
		})
		if err != nil {
			return err
		}
		members = append(members, ref(r.id))
		z.firm.Users = append(z.firm.Users, u.email)
	}
	text, err := json.Marshal(map[string]any{"name": "Everybody", "type": "AccountGroup", "users": members})
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	at := z.now.UnixMilli()
	_, err = z.records.ExecContext(z.ctx, "group", group, at, at, string(text))
	return err
}

// definitions makes the fields and the sets that hold some of them.
func (z *seeder) definitions() error {
	members := map[string][]any{}
	parents := map[string]string{}
	for i, f := range fieldSpecs {
		options := []any{}
		if f.kind == "picklist" {
			for _, name := range courts {
				n, err := z.item()
				if err != nil {
					return err
				}
				z.options = append(z.options, n)
				options = append(options, map[string]any{
					"id": n, "option": name, "etag": `"` + n.String() + `-1"`,
					"created_at": stamp(z.now.UnixMilli()), "updated_at": stamp(z.now.UnixMilli()),
				})
			}
		}
		r, err := z.add("custom_field", kinds["custom_fields"].first, map[string]any{
			"name": f.name, "parent_type": f.parent, "field_type": f.kind, "displayed": f.displayed, "required": f.required,
			"deleted": false, "display_order": i + 1, "picklist_options": options,
		})
		if err != nil {
			return err
		}
		z.firm.Fields[f.name] = r.id
		z.fields[f.parent] = append(z.fields[f.parent], r)
		if f.set != "" {
			members[f.set] = append(members[f.set], ref(r.id))
			parents[f.set] = f.parent
		}
	}
	for _, name := range []string{"Identity", "Family law"} {
		_, err := z.add("custom_field_set", kinds["custom_field_sets"].first, map[string]any{
			"name": name, "parent_type": parents[name], "displayed": name == "Identity", "custom_fields": members[name],
		})
		if err != nil {
			return err
		}
	}
	return nil
}
