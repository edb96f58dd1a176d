package cliosim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// tables is the layout of the file. Records are JSON as the API has it, but
// for the values of custom fields, which are many and have ids of their own.
const tables = `
CREATE TABLE IF NOT EXISTS record (
	kind TEXT NOT NULL, id INTEGER NOT NULL, version INTEGER NOT NULL,
	created INTEGER NOT NULL, updated INTEGER NOT NULL, indexed INTEGER NOT NULL,
	data TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS value (
	id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, parent INTEGER NOT NULL,
	field INTEGER NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
	value TEXT, UNIQUE (kind, parent, field));
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS app (id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permission (user INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS token (
	token TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, app TEXT NOT NULL, user INTEGER NOT NULL,
	region TEXT NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS token_family ON token (family);
`

func openDB(ctx context.Context, path string, relaxed bool) (*sql.DB, error) {
	if path == "" {
		return nil, errors.New("cliosim: no path for the data")
	}
	synchronous := "FULL"
	if relaxed {
		synchronous = "OFF"
	}
	q := url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(" + synchronous + ")", "busy_timeout(10000)"},
		"_txlock": {"immediate"},
	}
	// A path may hold what a URL gives a meaning to, and a drive's letter comes
	// behind a slash.
	slashed := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		slashed = "/" + slashed
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: slashed}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("cliosim: open the data: %w", err)
	}
	// One connection: requests take turns, as their order decides the outcome.
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, errors.Join(fmt.Errorf("cliosim: open the data: %w", err), db.Close())
	}
	return db, nil
}

// tx is a transaction at one moment.
type tx struct {
	*sql.Tx
	sim *Sim
	ctx context.Context
	now time.Time
}

// within calls do in a transaction, which lasts where do returns nil.
func (s *Sim) within(ctx context.Context, write bool, do func(*tx) error) error {
	// What has begun to be committed is committed, whether or not the client
	// still waits.
	ctx = context.WithoutCancel(ctx)
	begun, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: !write})
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	if err := do(&tx{Tx: begun, sim: s, ctx: ctx, now: s.now()}); err != nil {
		return errors.Join(err, begun.Rollback())
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	return nil
}

// record is an object of the API.
type record struct {
	kind             string
	id, version      int64
	created, updated int64 // milliseconds since 1970
	data             map[string]any
}

// etag is the record's, without its quotes.
func (r *record) etag() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", r.kind, r.id, r.version))
	return hex.EncodeToString(sum[:16])
}

func (r *record) text(name string) string { text, _ := r.data[name].(string); return text }
func (r *record) is(name string) bool     { is, _ := r.data[name].(bool); return is }

func stamp(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }

// decode parses JSON with its numbers as they are written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}

// number is the integer that v is or, where v is an object, its id; else 0.
func number(v any) int64 {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case int64:
		return v
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	case map[string]any:
		return number(v["id"])
	}
	return 0
}

const columns = "kind, id, version, created, updated, data"

// records returns what a query on the table of records finds.
func (t *tx) records(where string, args ...any) ([]*record, error) {
	rows, err := t.QueryContext(t.ctx, "SELECT "+columns+" FROM record WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cliosim: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []*record
	for rows.Next() {
		r := &record{}
		var data string
		if err := rows.Scan(&r.kind, &r.id, &r.version, &r.created, &r.updated, &data); err != nil {
			return nil, fmt.Errorf("cliosim: %w", err)
		}
		if err := decode([]byte(data), &r.data); err != nil {
			return nil, fmt.Errorf("cliosim: %s %d: %w", r.kind, r.id, err)
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// get returns one record, nil where there is none.
func (t *tx) get(kind string, id int64) (*record, error) {
	found, err := t.records("kind = ? AND id = ?", kind, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// put writes a record, as a new version where it was there.
func (t *tx) put(r *record) error {
	if r.version == 0 {
		r.created = t.now.UnixMilli()
	}
	r.version++
	r.updated = t.now.UnixMilli()
	data, err := json.Marshal(r.data)
	if err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	return t.exec(`INSERT INTO record (kind, id, version, created, updated, indexed, data) VALUES (?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, updated = excluded.updated, data = excluded.data`,
		r.kind, r.id, r.version, r.created, r.updated, string(data))
}

func (t *tx) exec(query string, args ...any) error {
	if _, err := t.ExecContext(t.ctx, query, args...); err != nil {
		return fmt.Errorf("cliosim: %w", err)
	}
	return nil
}

// next counts: ids are never given twice, nor the same to two kinds.
func (t *tx) next(name string, first int64) (int64, error) {
	var n int64
	err := t.QueryRowContext(t.ctx, `INSERT INTO counter (name, next) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next`, name, first).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("cliosim: %w", err)
	}
	return n, nil
}

// item gives an id to something inside a record.
func (t *tx) item() (json.Number, error) {
	n, err := t.next("item", 7_000_001)
	return json.Number(strconv.FormatInt(n, 10)), err
}

// marks is "?, ?, ?" for n arguments.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
