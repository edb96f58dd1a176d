package kit

import (
	"bytes"
	"fmt"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// prefix is the human-readable part of a backup as text.
const prefix = "underseal-backup-"

// idSize is how much of the device id a backup carries: it says which device
// is meant where no log is at hand, and 64 bits tell all devices apart.
const idSize = 8

// The text form is version ‖ organization ‖ device id[0:8] ‖ secret.
const (
	atOrganization = 1
	atDevice       = atOrganization + len(officer.OrganizationID{})
	atSecret       = atDevice + idSize
	textSize       = atSecret + keyring.SecretSize
)

func formatText(org officer.OrganizationID, id officer.DeviceID, s *secret.Bytes) *secret.Bytes {
	b := make([]byte, 0, textSize)
	b = append(b, wire.Version)
	b = append(b, org[:]...)
	b = append(b, id[:idSize]...)
	b = append(b, s.Expose()...)
	defer clear(b)
	return secret.Take(bytes.ToUpper([]byte(bech32text.Encode(prefix, b))))
}

// parseText reads the text form without any white space.
func parseText(text []byte) (*Copy, error) {
	b, err := bech32text.Decode(prefix, textSize, string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err) // it never quotes the text
	}
	defer clear(b)
	if b[0] != wire.Version {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, &wire.VersionError{Format: "backup", Version: uint64(b[0])})
	}
	c := &Copy{known: true, secret: secret.New(b[atSecret:])}
	copy(c.org[:], b[atOrganization:])
	copy(c.device[:], b[atDevice:])
	return c, nil
}
