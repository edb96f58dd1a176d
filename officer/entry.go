package officer

import (
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/wire"
)

// Head names the end of a log: how many entries it has, and the hash of the
// last one. The zero Head is that of an empty log.
type Head struct {
	Length uint64
	Hash   Hash
}

// Entry is one log entry before it is signed, or after it was decoded.
type Entry struct {
	Organization OrganizationID // zero in the genesis entry, whose hash it is
	Sequence     uint64         // position, from 0
	Previous     Hash           // hash of the entry before; zero in the genesis entry
	Time         time.Time      // a claim, in whole seconds; shown, never an input to authority
	Author       DeviceID
	Operations   []Operation // at least one, applied all or nothing
}

type entryBody struct {
	Organization OrganizationID `cbor:"1,keyasint"`
	Sequence     uint64         `cbor:"2,keyasint"`
	Previous     Hash           `cbor:"3,keyasint"`
	Time         uint64         `cbor:"4,keyasint"`
	Author       DeviceID       `cbor:"5,keyasint"`
	Operations   []opWire       `cbor:"6,keyasint"`
}

// opWire is CBOR[kind, body].
type opWire struct {
	_    struct{} `cbor:",toarray"`
	Kind OpKind
	Body wire.Raw
}

// Sign encodes and signs the entry: CBOR[version, body, signature] with
// Ed25519("underseal/v1/entry" ‖ 0 ‖ body).
func (e Entry) Sign(sign func(label string, payload []byte) []byte) ([]byte, error) {
	if len(e.Operations) == 0 || len(e.Operations) > wire.MaxOperations {
		return nil, fmt.Errorf("%w: %d operations", ErrOperation, len(e.Operations))
	}
	if e.Time.Unix() > maxTime {
		return nil, fmt.Errorf("log entry: %w: time", wire.ErrMalformed)
	}
	b := entryBody{
		Organization: e.Organization,
		Sequence:     e.Sequence,
		Previous:     e.Previous,
		Time:         uint64(max(e.Time.Unix(), 0)),
		Author:       e.Author,
	}
	var err error
	if b.Operations, err = encodeOperations(e.Operations); err != nil {
		return nil, err
	}
	body, err := wire.Marshal(b)
	if err != nil {
		return nil, err
	}
	out := wire.MustMarshal(signedWire{Version: wire.Version, Body: body, Signature: sign(wire.LabelEntry, body)})
	if len(out) > wire.MaxEntry {
		return nil, fmt.Errorf("log entry: %w: %d bytes", wire.ErrTooLarge, len(out))
	}
	return out, nil
}

func encodeOperations(ops []Operation) ([]opWire, error) {
	list := make([]opWire, len(ops))
	for i, op := range ops {
		raw, err := wire.Marshal(op)
		if err != nil {
			return nil, err
		}
		list[i] = opWire{Kind: op.Kind(), Body: raw}
	}
	return list, nil
}

// decoded is an entry with what is needed to verify it.
type decoded struct {
	Entry
	raw       []byte
	body      []byte
	signature []byte
	hash      Hash
	fault     *EntryError // of the first operation that cannot be read; the rest are not there
}

// DecodeEntry reads an entry without verifying anything but its form.
func DecodeEntry(b []byte) (Entry, error) {
	d, err := decodeEntry(b)
	switch {
	case err != nil:
		return Entry{}, err
	case d.fault != nil:
		return Entry{}, d.fault
	}
	return d.Entry, nil
}

func decodeEntry(b []byte) (decoded, error) {
	if len(b) > wire.MaxEntry {
		return decoded{}, fmt.Errorf("log entry: %w", wire.ErrTooLarge)
	}
	if err := wire.CheckVersion(b, "log entry", signedParts); err != nil {
		return decoded{}, err
	}
	var w signedWire
	if err := wire.Unmarshal(b, &w, wire.MaxEntry); err != nil {
		return decoded{}, err
	}
	var body entryBody
	if err := wire.Unmarshal(w.Body, &body, wire.MaxEntry); err != nil {
		return decoded{}, err
	}
	if len(body.Operations) == 0 || body.Time > maxTime {
		return decoded{}, fmt.Errorf("log entry: %w", wire.ErrMalformed)
	}
	d := decoded{
		Entry: Entry{
			Organization: body.Organization,
			Sequence:     body.Sequence,
			Previous:     body.Previous,
			Time:         time.Unix(int64(body.Time), 0).UTC(),
			Author:       body.Author,
			Operations:   make([]Operation, len(body.Operations)),
		},
		raw:       b,
		body:      w.Body,
		signature: w.Signature,
		hash:      EntryHash(b),
	}
	for i, o := range body.Operations {
		op, err := decodeOperation(o)
		if err != nil {
			d.fault = &EntryError{Sequence: body.Sequence, Operation: i, Kind: o.Kind.String(), Err: err}
			break
		}
		d.Operations[i] = op
	}
	return d, nil
}

// maxTime is the end of the year 9999, in Unix seconds, so that every time can
// be printed.
const maxTime = 253402300799

// EntryHash is SHA-256("underseal/v1/entry-hash" ‖ 0 ‖ entry).
func EntryHash(entry []byte) Hash { return wire.Sum(wire.LabelEntryHash, entry) }

// OrganizationOf is SHA-256("underseal/v1/organization" ‖ 0 ‖ genesis entry).
func OrganizationOf(genesis []byte) OrganizationID {
	return OrganizationID(wire.Sum(wire.LabelOrganization, genesis))
}
