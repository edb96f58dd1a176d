package plan

import (
	"crypto/sha256"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// inlineBytes is how much of an entry a plan's operations may take before they
// ride outside: half, so that signature and body always find room.
const inlineBytes = wire.MaxEntry / 2

// Pack moves operations that are too many for one entry into blobs, which the
// store must hold before the entry. The first operation, which says what the
// plan is about, stays in the entry. A plan that fits stays as it is.
func (p *Plan) Pack() error {
	sizes, total, err := sizes(p.Operations)
	if err != nil || total <= inlineBytes && len(p.Operations) <= wire.MaxOperations {
		return err
	}
	packed, rest := p.Operations[:1:1], p.Operations[1:]
	for sizes = sizes[1:]; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && n < wire.MaxOperations && size+sizes[n] <= wire.MaxBlob/2 {
			size += sizes[n]
			n++
		}
		blob, op, err := officer.EncodeBlob(rest[:n])
		if err != nil {
			return err
		}
		p.Blobs, packed = append(p.Blobs, blob), append(packed, op)
		rest, sizes = rest[n:], sizes[n:]
	}
	p.Operations = packed
	return nil
}

// Blob returns a blob of the plan's own by its name, for a look at what replay
// will make of the entry.
func (p *Plan) Blob(name officer.Hash) ([]byte, error) {
	for _, b := range p.Blobs {
		if sha256.Sum256(b) == name {
			return b, nil
		}
	}
	return nil, officer.ErrUnknown
}

func sizes(ops []officer.Operation) (list []int, total int, err error) {
	for _, op := range ops {
		b, err := wire.Marshal(op)
		if err != nil {
			return nil, 0, err
		}
		list, total = append(list, len(b)+8), total+len(b)+8 // number and heads
	}
	return list, total, nil
}
