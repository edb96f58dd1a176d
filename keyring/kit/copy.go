package kit

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// MaxInput bounds what Parse takes, in bytes: ten times the words with their
// numbers.
const MaxInput = 4096

// Copy is a backup as it was read back.
type Copy struct {
	secret *secret.Bytes
	known  bool // the two below; words say neither
	org    officer.OrganizationID
	device [idSize]byte
}

// Parse reads what a person typed, pasted or scanned: the 24 words, in any
// case, with any white space, punctuation or numbers around them; or the text
// form of the QR code, in any case, with any white space within. Errors are
// ErrMalformed, a [*WordError], ErrChecksum.
func Parse(input *secret.Bytes) (*Copy, error) {
	if input.Len() > MaxInput {
		return nil, fmt.Errorf("%w: %w: %d bytes", ErrMalformed, wire.ErrTooLarge, MaxInput)
	}
	text := bytes.TrimSpace(input.Expose())
	if len(text) >= len("underseal") && bytes.EqualFold(text[:len("underseal")], []byte("underseal")) {
		joined := secret.Take(bytes.Join(bytes.Fields(text), nil))
		defer joined.Destroy()
		return parseText(joined.Expose())
	}
	lower := secret.Take(bytes.ToLower(text))
	defer lower.Destroy()
	s, err := parseWords(tokens(lower.Expose()))
	if err != nil {
		return nil, err
	}
	return &Copy{secret: s}, nil
}

// tokens are the words and the numbers of a text, as parts of it. A number
// may touch the word that follows, as in "7abandon"; a digit in a word is a
// mistake in that word.
func tokens(text []byte) [][]byte {
	const between = " \t\r\n\v\f.,;:)(#-"
	var out [][]byte
	for {
		text = bytes.TrimLeft(text, between)
		if len(text) == 0 {
			return out
		}
		end := bytes.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		if end == 0 {
			end = bytes.IndexAny(text, between)
		}
		if end < 0 {
			end = len(text)
		}
		out = append(out, text[:end])
		text = text[end:]
	}
}

// Organization is the organization that the backup says it is of. Words say
// none: then it has to come from the fingerprint printed with them.
func (c *Copy) Organization() (id officer.OrganizationID, known bool) { return c.org, c.known }

// Secret is the device secret, which Destroy clears.
func (c *Copy) Secret() *secret.Bytes { return c.secret }

// Find returns the device that the backup opens among records, which come
// from the verified log of org, or ErrOtherOrganization, ErrOtherDevice. Only
// backups are looked at. Whether the device was removed since is the log's to
// say. The caller destroys the device.
func (c *Copy) Find(org officer.OrganizationID, records iter.Seq[officer.DeviceRecord]) (*keyring.Device, error) {
	if c.known && c.org != org {
		return nil, ErrOtherOrganization
	}
	bare, err := keyring.NewDevice(c.secret, officer.DevicePaperKit, officer.Hash{})
	if err != nil {
		return nil, err
	}
	defer bare.Destroy()
	for record := range records {
		// The label, which the secret does not give, is the record's own.
		if !written(record.Kind) || !bytes.Equal(record.Signing, bare.Record().Signing) {
			continue
		}
		d, err := keyring.NewDevice(c.secret, record.Kind, record.Label)
		if err != nil {
			return nil, err
		}
		if d.ID() == record.ID() && c.names(d.ID()) {
			return d, nil
		}
		d.Destroy()
	}
	return nil, ErrOtherDevice
}

// names tells whether the backup may be of the device of this id.
func (c *Copy) names(id officer.DeviceID) bool {
	return !c.known || bytes.Equal(c.device[:], id[:idSize])
}

// Rehearse tells whether the backup opens this very device of org: nil, or an
// error of Find.
func (c *Copy) Rehearse(org officer.OrganizationID, record officer.DeviceRecord) error {
	d, err := c.Find(org, slices.Values([]officer.DeviceRecord{record}))
	if err != nil {
		return err
	}
	d.Destroy()
	return nil
}

// Destroy clears the secret.
func (c *Copy) Destroy() { c.secret.Destroy() }
