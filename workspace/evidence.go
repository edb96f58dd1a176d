package workspace

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// Evidence is written as frames after a line of text (spec/evidence.md). A
// frame is its kind, one byte, its length, four bytes, and that many bytes.
const (
	evidenceLine = "underseal evidence\n"

	frameOrganization = 1 // CBOR[version, organization]
	frameBlob         = 2 // operations that the entry after it names
	frameEntry        = 3 // the next log entry
	frameStatement    = 4 // a last-seen statement
	frameEnd          = 5 // CBOR[number of entries, number of statements]

	// maxEvidence bounds the entries of one file, and with them the memory for
	// comparing two: ten times the longest log that anybody plans for.
	maxEvidence = 1 << 20
	// maxEvidenceStatements bounds its statements: all devices of a large firm.
	maxEvidenceStatements = 8192
)

type evidenceHeader struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Organization officer.OrganizationID
}

type evidenceEnd struct {
	_          struct{} `cbor:",toarray"`
	Entries    uint64
	Statements uint64
}

// EvidenceSummary is what was written.
type EvidenceSummary struct {
	Entries    uint64
	Statements int
	// Refused is why the log of the store ends where it does in the evidence,
	// although it goes on: what follows does not verify. nil for nothing.
	Refused error
}

// WriteEvidence writes what this device is shown, for somebody to check who has
// neither its home nor the store: the log of the store, as far as it verifies,
// and the statements of its devices about what they have seen, this device's
// own among them. It is meant for the time after an ErrFork, when [Open] does
// not answer: what the device has seen before stands in its own statement. cause
// is the error that was met, or nil.
func WriteEvidence(ctx context.Context, c Config, cause error, to io.Writer) (EvidenceSummary, error) {
	w := newWorkspace(c)
	pin, err := loadPin(w.local, w.me.Keys())
	if err != nil {
		return EvidenceSummary{}, err
	}
	w.pin = pin
	out := &evidenceWriter{w: bufio.NewWriter(to)}
	_, _ = out.w.WriteString(evidenceLine) // Flush tells
	out.frame(frameOrganization, wire.MustMarshal(evidenceHeader{Version: wire.Version, Organization: pin.Organization}))
	state, err := w.writeLog(ctx, out)
	if err != nil {
		return out.sum, err
	}
	if state != nil {
		w.writeStatements(ctx, state, cause, out)
	}
	out.frame(frameEnd, wire.MustMarshal(evidenceEnd{Entries: out.sum.Entries, Statements: uint64(out.sum.Statements)}))
	return out.sum, out.w.Flush()
}

type evidenceWriter struct {
	w   *bufio.Writer
	sum EvidenceSummary
}

func (o *evidenceWriter) frame(kind byte, data []byte) {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(data)))
	_, _ = o.w.Write(head)
	_, _ = o.w.Write(data) // Flush tells
}

// writeLog writes the store's log as far as it verifies.
func (w *Workspace) writeLog(ctx context.Context, out *evidenceWriter) (state *officer.State, err error) {
	blobs := w.blobs(ctx)
	for out.sum.Entries < maxEvidence {
		batch, err := w.read(ctx, out.sum.Entries, min(readPage, maxEvidence-out.sum.Entries))
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			return state, nil
		}
		next, err := extend(blobs, w.pin.Organization, state, batch)
		if failed := blobFailure(err); failed != nil { // which is no evidence
			return nil, fmt.Errorf("read log: %w", failed)
		}
		var at *officer.EntryError
		if errors.As(err, &at) && at.Sequence >= out.sum.Entries && at.Sequence < out.sum.Entries+uint64(len(batch)) {
			out.sum.Refused = err
			if batch = batch[:at.Sequence-out.sum.Entries]; len(batch) == 0 {
				return state, nil
			}
			next, err = extend(blobs, w.pin.Organization, state, batch)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLog, err)
		}
		for _, b := range batch {
			if err := out.entry(blobs, b); err != nil {
				return nil, err
			}
		}
		if state = next; out.sum.Refused != nil {
			return state, nil //nolint:nilerr // the refusal is what it is evidence of
		}
	}
	return state, nil
}

// extend replays further entries.
func extend(blobs officer.Blobs, org officer.OrganizationID, s *officer.State, batch [][]byte) (*officer.State, error) {
	if s == nil {
		return officer.ReplayWith(blobs, org, batch)
	}
	return s.ApplyWith(blobs, batch...)
}

func (o *evidenceWriter) entry(blobs officer.Blobs, b []byte) error {
	e, err := officer.DecodeEntry(b)
	if err != nil {
		return err
	}
	written := map[officer.Hash]bool{}
	for _, op := range e.Operations {
		if blob, ok := op.(*officer.OperationsBlob); ok && !written[blob.Hash] {
			written[blob.Hash] = true
			data, err := blobs(blob.Hash)
			if err != nil {
				return fmt.Errorf("read operations of entry %d: %w", e.Sequence, err)
			}
			o.frame(frameBlob, data)
		}
	}
	o.frame(frameEntry, b)
	o.sum.Entries++
	return nil
}

// writeStatements writes this device's statement of what it has pinned, the one
// that was met, and what else the store has.
func (w *Workspace) writeStatements(ctx context.Context, s *officer.State, cause error, out *evidenceWriter) {
	add := func(b []byte) {
		if _, err := openLastSeen(s, b); err == nil && out.sum.Statements < maxEvidenceStatements {
			out.frame(frameStatement, b)
			out.sum.Statements++
		}
	}
	own := w.me.Keys().ID()
	if w.pin.Head.Length > 0 {
		add(signLastSeen(w.me.Keys(), w.pin.Organization, w.pin.Head, w.now()))
	}
	var met *SightingError
	if errors.As(cause, &met) {
		add(met.Sighting.Raw)
	}
	for _, m := range s.Members() {
		for _, id := range m.Devices {
			d := s.Device(id)
			if d.Removed || id == own || d.Record.Kind != officer.DeviceInstallation {
				continue
			}
			if l := w.lastSeen(ctx, s, id); l.Length > 0 && (met == nil || string(met.Sighting.Raw) != string(l.Raw)) {
				add(l.Raw)
			}
		}
	}
}
