package store

import (
	"fmt"
	"unicode/utf8"

	"github.com/underseal/underseal/internal/wire"
)

// Bounds of what a store holds, in bytes; whoever writes one refuses more.
const (
	MaxEntry    = wire.MaxEntry
	MaxEnvelope = wire.MaxEnvelope
	MaxBlob     = wire.MaxBlob
	MaxMail     = wire.MaxMail
)

// Bounds of a lease.
const (
	// MaxLeaseName fits a word or two: names are chosen by programs.
	MaxLeaseName = 64
	// MaxLeaseHolder fits a name and a device's label.
	MaxLeaseHolder = 256
)

// CheckItem is what every implementation asks first of an entry, envelope,
// blob or message: at least one and at most limit bytes. It fails with
// ErrInvalid or ErrTooLarge.
func CheckItem(item []byte, limit int) error {
	switch {
	case len(item) == 0:
		return fmt.Errorf("an empty item: %w", ErrInvalid)
	case len(item) > limit:
		return fmt.Errorf("%d bytes where %d are allowed: %w", len(item), limit, ErrTooLarge)
	}
	return nil
}

// CheckLeaseName is what every implementation asks first of a lease's name.
// It fails with ErrInvalid.
func CheckLeaseName(name string) error {
	if name == "" || len(name) > MaxLeaseName {
		return fmt.Errorf("a lease name of %d bytes: %w", len(name), ErrInvalid)
	}
	for _, r := range []byte(name) {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.':
		default:
			return fmt.Errorf("lease name %q: %w", name, ErrInvalid)
		}
	}
	return nil
}

// CheckLease is what every implementation asks first of a lease to be
// written. It fails with ErrInvalid.
func CheckLease(l Lease) error {
	if err := CheckLeaseName(l.Name); err != nil {
		return err
	}
	switch year := l.Expires.UTC().Year(); {
	case len(l.Holder) > MaxLeaseHolder || !utf8.ValidString(l.Holder):
		return fmt.Errorf("a lease holder of %d bytes: %w", len(l.Holder), ErrInvalid)
	case year < 0 || year > 9999: // RFC 3339 has no others
		return fmt.Errorf("a lease until the year %d: %w", year, ErrInvalid)
	case l.Version+1 == 0:
		return fmt.Errorf("lease version %d: %w", l.Version, ErrInvalid)
	}
	return nil
}
