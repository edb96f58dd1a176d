package workspace

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

// ErrEvidence: not a file of evidence, or one that was altered or cut short.
var ErrEvidence = errors.New("not evidence that verifies")

// Evidence is what a device was shown, read back and verified: every entry from
// the first on, its author's right to make it, and every statement.
type Evidence struct {
	State      *officer.State
	Statements []EvidenceStatement

	entries []evidenceEntry
}

// evidenceEntry is what is kept of an entry for comparing.
type evidenceEntry struct {
	hash   officer.Hash
	author officer.DeviceID
}

// EvidenceStatement is a statement with what the log beside it says of it.
type EvidenceStatement struct {
	LastSeen
	Member officer.MemberID
	// Fork: the log has another entry at that place. Ahead: the log ends before.
	Fork, Ahead bool
}

// ReadEvidence reads and verifies evidence, without any home or store. It fails
// with ErrEvidence, and takes nothing of what it refuses.
func ReadEvidence(ctx context.Context, from io.Reader) (*Evidence, error) {
	r := &evidenceReader{r: bufio.NewReader(from), given: map[officer.Hash][]byte{}, blobs: map[officer.Hash][]byte{}}
	e, err := r.read(ctx)
	if err != nil {
		var version *wire.VersionError
		if errors.As(err, &version) || ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return e, nil
}

// What a file is refused for, by the rules of spec/evidence.md; V-1 is the frames'
// own errors.
var (
	errEvidenceLog       = errors.New("its log does not verify")                      // V-2
	errEvidenceBlob      = errors.New("operations that the next entry does not name") // V-3
	errEvidenceStatement = errors.New("a statement does not verify")                  // V-4
	errEvidenceNumbers   = errors.New("frames are missing")                           // V-5
)

type evidenceReader struct {
	r     *bufio.Reader
	org   officer.OrganizationID
	given map[officer.Hash][]byte // the blobs before the next entry
	bytes int                     // of these
	batch [][]byte                // entries that are not applied yet
	size  int                     // of these, with their blobs
	blobs map[officer.Hash][]byte // of the batch
	e     Evidence
}

// maxEvidenceBlobs bounds the memory for what one entry names: more than any
// entry has that this program writes.
const maxEvidenceBlobs = 16 * wire.MaxBlob

// frameLimit is the most bytes that a kind of frame has.
func frameLimit(kind byte) uint32 {
	switch kind {
	case frameOrganization, frameEnd, frameStatement:
		return maxLastSeen
	case frameBlob:
		return wire.MaxBlob
	case frameEntry:
		return wire.MaxEntry
	default:
		return 0
	}
}

func (r *evidenceReader) frame() (kind byte, data []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, nil, fmt.Errorf("cut short: %w", err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if limit := frameLimit(head[0]); n == 0 || n > limit {
		return 0, nil, fmt.Errorf("frame %d: %w", head[0], wire.ErrMalformed)
	}
	// Not more memory than there are bytes.
	data, err = io.ReadAll(io.LimitReader(r.r, int64(n)))
	if err == nil && uint32(len(data)) != n {
		err = io.ErrUnexpectedEOF
	}
	return head[0], data, err
}

func (r *evidenceReader) read(ctx context.Context) (*Evidence, error) {
	line := make([]byte, len(evidenceLine))
	if _, err := io.ReadFull(r.r, line); err != nil || string(line) != evidenceLine {
		return nil, fmt.Errorf("%w: its first line is another", wire.ErrMalformed)
	}
	kind, data, err := r.frame()
	if err != nil {
		return nil, err
	}
	if err := r.header(kind, data); err != nil {
		return nil, err
	}
	for last := byte(frameOrganization); ; last = kind {
		if kind, data, err = r.frame(); err != nil {
			return nil, err
		}
		if last == frameStatement && (kind == frameBlob || kind == frameEntry) {
			return nil, fmt.Errorf("an entry after the statements: %w", wire.ErrMalformed)
		}
		switch kind {
		case frameBlob:
			err = r.blob(data)
		case frameEntry:
			if err = r.entry(data); err == nil && (len(r.batch) == readPage || r.size > readBytes) {
				err = r.apply(ctx)
			}
		case frameStatement:
			if err = r.apply(ctx); err == nil {
				err = r.statement(data)
			}
		case frameEnd:
			if err = r.apply(ctx); err == nil {
				err = r.end(data)
			}
			if err == nil {
				return &r.e, nil
			}
		default:
			err = wire.ErrMalformed
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *evidenceReader) header(kind byte, data []byte) error {
	if kind != frameOrganization {
		return fmt.Errorf("no organization: %w", wire.ErrMalformed)
	}
	if err := wire.CheckVersion(data, "evidence", 2); err != nil {
		return err
	}
	var h evidenceHeader
	if err := wire.Unmarshal(data, &h, maxLastSeen); err != nil {
		return err
	}
	r.org = h.Organization
	return nil
}

// blob keeps operations for the entry that follows.
func (r *evidenceReader) blob(data []byte) error {
	name := officer.Hash(sha256.Sum256(data))
	if _, twice := r.given[name]; twice {
		return errEvidenceBlob
	}
	if r.bytes += len(data); r.bytes > maxEvidenceBlobs {
		return fmt.Errorf("%w: %w", errEvidenceBlob, wire.ErrTooLarge)
	}
	r.given[name] = data
	return nil
}

// entry takes the next entry, with the blobs before it, for apply.
func (r *evidenceReader) entry(data []byte) error {
	if len(r.e.entries) == maxEvidence {
		return wire.ErrTooLarge
	}
	// What does not decode is refused by apply, after what comes before it.
	e, _ := officer.DecodeEntry(data)
	named := map[officer.Hash]struct{}{}
	for _, op := range e.Operations {
		if o, ok := op.(*officer.OperationsBlob); ok {
			named[o.Hash] = struct{}{}
		}
	}
	for name := range named {
		b, ok := r.given[name]
		if !ok {
			return fmt.Errorf("%w: entry %d: operations: %w", errEvidenceLog, e.Sequence, store.ErrNotFound)
		}
		r.blobs[name] = b
		delete(r.given, name)
	}
	if len(r.given) > 0 {
		return errEvidenceBlob
	}
	r.e.entries = append(r.e.entries, evidenceEntry{officer.EntryHash(data), e.Author})
	r.batch = append(r.batch, data)
	r.size += r.bytes + len(data)
	r.bytes = 0
	return nil
}

// apply verifies the entries that were read so far.
func (r *evidenceReader) apply(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(r.given) > 0 {
		return errEvidenceBlob
	}
	if len(r.batch) == 0 {
		return nil
	}
	blobs := func(name officer.Hash) ([]byte, error) {
		if b, ok := r.blobs[name]; ok {
			return b, nil
		}
		return nil, store.ErrNotFound
	}
	state, err := extend(blobs, r.org, r.e.State, r.batch)
	if err != nil {
		return fmt.Errorf("%w: %w", errEvidenceLog, err)
	}
	r.e.State, r.batch, r.size = state, nil, 0
	clear(r.blobs)
	return nil
}

func (r *evidenceReader) statement(data []byte) error {
	if r.e.State == nil {
		return fmt.Errorf("a statement before the entries: %w", wire.ErrMalformed)
	}
	if len(r.e.Statements) == maxEvidenceStatements {
		return wire.ErrTooLarge
	}
	l, err := openLastSeen(r.e.State, data)
	if err != nil {
		return fmt.Errorf("%w: %w", errEvidenceStatement, err)
	}
	s := EvidenceStatement{LastSeen: l, Member: r.e.State.Device(l.Device).Member}
	if s.Ahead = l.Length > uint64(len(r.e.entries)); !s.Ahead {
		s.Fork = r.e.entries[l.Length-1].hash != l.Hash
	}
	r.e.Statements = append(r.e.Statements, s)
	return nil
}

func (r *evidenceReader) end(data []byte) error {
	var end evidenceEnd
	if err := wire.Unmarshal(data, &end, maxLastSeen); err != nil {
		return err
	}
	if r.e.State == nil {
		return fmt.Errorf("%w: %w", errEvidenceLog, officer.ErrEmpty)
	}
	if end.Entries != uint64(len(r.e.entries)) || end.Statements != uint64(len(r.e.Statements)) {
		return errEvidenceNumbers
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows the end: %w", wire.ErrMalformed)
	}
	return nil
}

// Author is the device that signed the entry at a position.
func (e *Evidence) Author(at uint64) officer.DeviceID { return e.entries[at].author }

// Hash is that of the entry at a position.
func (e *Evidence) Hash(at uint64) officer.Hash { return e.entries[at].hash }

// Part tells where the logs of two devices part: how many entries they share,
// and whether both go on after these. If they do, and both were [Evidence.Seen]
// to, somebody keeps two histories of the organization. It fails with
// officer.ErrOrganization where they are of two organizations.
func (e *Evidence) Part(o *Evidence) (shared uint64, fork bool, err error) {
	if e.State.Organization() != o.State.Organization() {
		return 0, false, officer.ErrOrganization
	}
	n := min(len(e.entries), len(o.entries))
	for i := range n {
		if e.entries[i].hash != o.entries[i].hash {
			return uint64(i), true, nil
		}
	}
	return uint64(n), false, nil
}

// Seen tells whether somebody has signed that they have seen the log go on after
// so many entries: by a statement, or by an entry that follows. A single entry
// that nobody has seen in the log may be one that lost a race; and who made it
// can sign what follows as well, without any store. So their own word does not
// count, unless they are an officer in both logs.
func (e *Evidence) Seen(shared uint64, other *Evidence) bool {
	if shared >= uint64(len(e.entries)) {
		return false
	}
	author := e.memberOf(e.entries[shared].author)
	believed := func(id officer.DeviceID) bool {
		m := e.memberOf(id)
		return m != author || isOfficer(e.State, m) && isOfficer(other.State, m)
	}
	for _, x := range e.entries[shared+1:] {
		if believed(x.author) {
			return true
		}
	}
	for _, s := range e.Statements {
		if s.Length > shared && !s.Fork && !s.Ahead && believed(s.Device) {
			return true
		}
	}
	return false
}

func (e *Evidence) memberOf(id officer.DeviceID) officer.MemberID { return e.State.Device(id).Member }

func isOfficer(s *officer.State, id officer.MemberID) bool {
	m := s.Member(id)
	return m != nil && !m.Removed && m.Role == officer.RoleOfficer
}
