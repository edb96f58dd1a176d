//go:build !js

package sqlitejournal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/internal/durable"
)

var (
	// ErrNewer: the file was made by a newer program.
	ErrNewer = errors.New("the journal is newer than this program")
	// ErrDamaged: the file is not a journal, or was altered. It may be deleted.
	ErrDamaged = errors.New("the journal is damaged; it may be deleted, and then no job can be undone by it")
)

// Journal is an open file. It is safe for several goroutines, and the file for
// several processes.
type Journal struct {
	db   *sql.DB
	path string
}

var _ bulk.Journal = (*Journal)(nil)

// version of the tables, in the file's user_version.
const version = 1

// tables: entries are numbered in the order of arrival. The index serves Tally
// and Skipped.
const tables = `
CREATE TABLE jobs (
	id TEXT NOT NULL PRIMARY KEY,
	started INTEGER NOT NULL,
	info TEXT NOT NULL
) STRICT;
CREATE TABLE entries (
	n INTEGER PRIMARY KEY,
	job TEXT NOT NULL,
	kind TEXT NOT NULL,
	record TEXT NOT NULL,
	field TEXT NOT NULL,
	token TEXT NOT NULL,
	replaced TEXT NOT NULL,
	state INTEGER NOT NULL,
	reason TEXT NOT NULL,
	UNIQUE (job, kind, record, field, token, replaced)
) STRICT;
CREATE INDEX entries_by_state ON entries (job, state, n);
CREATE TABLE passes (
	n INTEGER PRIMARY KEY,
	pass TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE met (
	pass INTEGER NOT NULL REFERENCES passes (n) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (pass, kind, record)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
`

// keptPasses is how many passes are remembered: those of programs that were
// killed go away when later ones begin.
const keptPasses = 8

// Open opens the journal at path, or makes it; its directory must exist.
func Open(ctx context.Context, path string) (*Journal, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// The driver would make the file readable for others.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive
	}
	name := (&url.URL{Scheme: "file", Path: slashed}).String() +
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=trusted_schema(0)"
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	j := &Journal{db: db, path: path}
	if err := j.do(ctx, j.setUp); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return j, nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.db.Close() }

func (j *Journal) setUp(ctx context.Context, tx *sql.Tx) error {
	var found, others int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&found); err != nil {
		return err
	}
	switch {
	case found == version:
		return nil
	case found > version:
		return fmt.Errorf("version %d: %w", found, ErrNewer)
	}
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&others); err != nil {
		return err
	}
	if others > 0 {
		return ErrDamaged
	}
	_, err := tx.ExecContext(ctx, tables)
	return err
}

// do runs one transaction: all of it is there when it returns nil.
func (j *Journal) do(ctx context.Context, work func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err == nil {
		if err = work(ctx, tx); err == nil {
			err = tx.Commit()
		} else {
			_ = tx.Rollback() // the first error tells more
		}
	}
	return j.explain(err)
}

// explain gives errors the words that callers know.
func (j *Journal) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	var kind error
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		kind = durable.ErrFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		kind = durable.ErrDenied
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		kind = ErrDamaged
	default:
		return fmt.Errorf("%s: %w", j.path, err)
	}
	return &durable.Error{Path: j.path, Kind: kind, Cause: err}
}

// PutJob implements bulk.Jobs.
func (j *Journal) PutJob(ctx context.Context, info bulk.JobInfo) error {
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return j.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, started, info) VALUES (?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET started = excluded.started, info = excluded.info`,
			info.ID, info.Started.UnixNano(), string(text))
		return err
	})
}

// Job implements bulk.Jobs.
func (j *Journal) Job(ctx context.Context, id string) (info bulk.JobInfo, err error) {
	var text string
	err = j.db.QueryRowContext(ctx, "SELECT info FROM jobs WHERE id = ?", id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return info, fmt.Errorf("job %.40q: %w", id, bulk.ErrNoJob)
	}
	if err != nil {
		return info, j.explain(err)
	}
	return info, decode(text, &info)
}

func decode(text string, info *bulk.JobInfo) error {
	if err := json.Unmarshal([]byte(text), info); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// Jobs implements bulk.Jobs.
func (j *Journal) Jobs(ctx context.Context) (list []bulk.JobInfo, err error) {
	err = j.rows(ctx, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var info bulk.JobInfo
		list = append(list, info)
		return decode(text, &list[len(list)-1])
	}, "SELECT info FROM jobs ORDER BY started DESC, id")
	return list, err
}

// rows calls each for every row of a query.
func (j *Journal) rows(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := j.db.QueryContext(ctx, query, args...)
	if err != nil {
		return j.explain(err)
	}
	defer func() { _ = rows.Close() }() // Err has told
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return j.explain(rows.Err())
}

const put = `INSERT INTO entries (job, kind, record, field, token, replaced, state, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (job, kind, record, field, token, replaced) DO UPDATE SET state = excluded.state, reason = excluded.reason`

// Intend implements bulk.Entries.
func (j *Journal) Intend(ctx context.Context, job string, entries []bulk.Entry) error {
	return j.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return putAll(ctx, tx, job, entries, func(e *bulk.Entry) { e.State, e.Reason = bulk.Intended, "" })
	})
}

func putAll(ctx context.Context, tx *sql.Tx, job string, entries []bulk.Entry, change func(*bulk.Entry)) (err error) {
	stmt, err := tx.PrepareContext(ctx, put)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for _, e := range entries {
		change(&e)
		if _, err := stmt.ExecContext(ctx, job, e.Kind, e.Record, e.Field, e.Token, e.Replaced, int(e.State), string(e.Reason)); err != nil {
			return err
		}
	}
	return nil
}

// Settle implements bulk.Entries.
func (j *Journal) Settle(ctx context.Context, job string, entries []bulk.Entry) error {
	return j.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := putAll(ctx, tx, job, entries, func(*bulk.Entry) {}); err != nil {
			return err
		}
		for _, e := range entries {
			if e.State != bulk.Done {
				continue
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM entries WHERE job = ? AND kind = ? AND record = ? AND field = ? AND state = ?",
				job, e.Kind, e.Record, e.Field, int(bulk.Skipped)); err != nil {
				return err
			}
		}
		return nil
	})
}

const entry = "SELECT kind, record, field, token, replaced, state, reason FROM entries "

func (j *Journal) entries(ctx context.Context, query string, args ...any) (list []bulk.Entry, err error) {
	err = j.rows(ctx, func(scan func(...any) error) error {
		var e bulk.Entry
		err := scan(&e.Kind, &e.Record, &e.Field, &e.Token, &e.Replaced, &e.State, &e.Reason)
		list = append(list, e)
		return err
	}, entry+query, args...)
	return list, err
}

// Lookup implements bulk.Entries.
func (j *Journal) Lookup(ctx context.Context, job, kind string, records []string) ([]bulk.Entry, error) {
	names, err := json.Marshal(records)
	if err != nil {
		return nil, err
	}
	return j.entries(ctx, "WHERE job = ? AND kind = ? AND record IN (SELECT value FROM json_each(?)) ORDER BY n", job, kind, string(names))
}

// Skipped implements bulk.Entries.
func (j *Journal) Skipped(ctx context.Context, job string, skip, limit int) ([]bulk.Entry, error) {
	return j.entries(ctx, "WHERE job = ? AND state = ? ORDER BY n LIMIT ? OFFSET ?", job, int(bulk.Skipped), max(limit, 0), skip)
}

// Tally implements bulk.Entries.
func (j *Journal) Tally(ctx context.Context, job string) (t bulk.Tally, err error) {
	err = j.rows(ctx, func(scan func(...any) error) error {
		var state bulk.EntryState
		var n int64
		err := scan(&state, &n)
		switch state {
		case bulk.Intended:
			t.Intended = n
		case bulk.Done:
			t.Done = n
		case bulk.Skipped:
			t.Skipped = n
		}
		return err
	}, "SELECT state, count(*) FROM entries WHERE job = ? GROUP BY state", job)
	return t, err
}

// See implements bulk.Sightings.
func (j *Journal) See(ctx context.Context, pass, kind string, records []string) (again []string, err error) {
	err = j.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		again = nil
		if _, err := tx.ExecContext(ctx, "INSERT INTO passes (pass) VALUES (?) ON CONFLICT DO NOTHING", pass); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM passes WHERE n <= (SELECT max(n) FROM passes) - ?", keptPasses); err != nil {
			return err
		}
		stmt, err := tx.PrepareContext(ctx, "INSERT INTO met (pass, kind, record) SELECT n, ?, ? FROM passes WHERE pass = ? ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		defer func() { _ = stmt.Close() }()
		for _, r := range records {
			res, err := stmt.ExecContext(ctx, kind, r, pass)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				again = append(again, r)
			}
		}
		return nil
	})
	return again, err
}

// Unseen implements bulk.Sightings.
func (j *Journal) Unseen(ctx context.Context, pass, job string, after bulk.RecordID, limit int) (list []bulk.RecordID, err error) {
	err = j.rows(ctx, func(scan func(...any) error) error {
		var id bulk.RecordID
		err := scan(&id.Kind, &id.ID)
		list = append(list, id)
		return err
	}, `SELECT DISTINCT kind, record FROM entries AS e WHERE job = ? AND state = ? AND (kind, record) > (?, ?)
		AND NOT EXISTS (SELECT 1 FROM met JOIN passes ON met.pass = passes.n WHERE passes.pass = ? AND met.kind = e.kind AND met.record = e.record)
		ORDER BY kind, record LIMIT ?`, job, int(bulk.Done), after.Kind, after.ID, pass, max(limit, 0))
	return list, err
}

// EndPass implements bulk.Sightings.
func (j *Journal) EndPass(ctx context.Context, pass string) error {
	return j.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM passes WHERE pass = ?", pass)
		return err
	})
}
