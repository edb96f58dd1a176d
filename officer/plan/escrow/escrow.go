// Package escrow splits the key of a member's escrow among officers, so that
// as many of them as a threshold bring the member back (spec/log-recovery.md,
// "Splitting"): Shamir's secret sharing over the scalars of ristretto255.
//
// Hand a [Shamir] to workspace.Config. It stands apart from package plan so that
// the browser's build does not link it (internal/deptest).
//
// Compatibility: shares of format version 1 give back their key in every later
// version.
package escrow

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"github.com/underseal/underseal/internal/secret"
)

var (
	// ErrThreshold: the threshold or the number of shares is not one that a
	// key can be split by, or fewer shares are given than the threshold.
	ErrThreshold = errors.New("not a number of shares that gives the key back")
	// ErrShare: a share is not the one encoding of a scalar, or its index is 0
	// or above MaxShares.
	ErrShare = errors.New("not a share")
)

// MaxShares is the most shares of one key: an index has one byte.
const MaxShares = 255

// scalarSize is the length of a key and of a share in bytes.
const scalarSize = 32

// Shamir splits keys and puts them together; the zero value is ready. It is a
// plan.Escrow.
type Shamir struct{}

// Split makes a fresh key and its shares with the indexes 1, 2, … up to their
// number, of which threshold give it back.
func (Shamir) Split(threshold, shares int) (key *secret.Bytes, parts []*secret.Bytes, err error) {
	if threshold < 1 || threshold > shares || shares > MaxShares {
		return nil, nil, ErrThreshold
	}
	s := group.Ristretto255.RandomNonZeroScalar(rand.Reader)
	// The library counts the shares that give nothing away, one less than ours.
	split := secretsharing.New(rand.Reader, uint(threshold-1), s)
	if key, err = encode(s); err != nil {
		return nil, nil, err
	}
	for _, x := range split.Share(uint(shares)) {
		part, err := encode(x.Value)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	return key, parts, nil
}

// Join gives back the key from at least as many shares as the threshold, by
// index. Wrong shares give another key: the caller checks each against its
// commitment before, and the key against its own.
func (Shamir) Join(threshold int, parts map[uint64]*secret.Bytes) (*secret.Bytes, error) {
	if threshold < 1 || threshold > MaxShares || len(parts) < threshold {
		return nil, ErrThreshold
	}
	// By index, and so no index twice: the library would panic.
	var shares []secretsharing.Share
	for _, index := range slices.Sorted(maps.Keys(parts)) {
		value, err := decode(parts[index])
		if err != nil || index < 1 || index > MaxShares {
			return nil, fmt.Errorf("%w: index %d", ErrShare, index)
		}
		shares = append(shares, secretsharing.Share{ID: group.Ristretto255.NewScalar().SetUint64(index), Value: value})
	}
	s, err := secretsharing.Recover(uint(threshold-1), shares)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrThreshold, err)
	}
	return encode(s)
}

// Valid tells whether a share is the encoding of a scalar.
func (Shamir) Valid(part *secret.Bytes) bool {
	_, err := decode(part)
	return err == nil
}

func encode(s group.Scalar) (*secret.Bytes, error) {
	b, err := s.MarshalBinary()
	if err != nil || !reduced(b) {
		return nil, errors.Join(ErrShare, err) // a fault of the library
	}
	return secret.Take(b), nil
}

func decode(part *secret.Bytes) (group.Scalar, error) {
	s := group.Ristretto255.NewScalar()
	if part == nil || !reduced(part.Expose()) {
		return nil, ErrShare
	}
	return s, s.UnmarshalBinary(part.Expose())
}

// order is the group's, 2^252 + 27742317777372353535851937790883648493, in words
// of 64 bits, the lowest first.
var order = [scalarSize / 8]uint64{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}

// reduced tells whether b is the little-endian form of a number below the order:
// libraries take others too, and each scalar shall have one encoding. The time
// it takes does not depend on the number.
func reduced(b []byte) bool {
	if len(b) != scalarSize {
		return false
	}
	var borrow uint64
	for i, word := range order {
		var x uint64
		for j := range 8 {
			x |= uint64(b[8*i+j]) << (8 * j)
		}
		_, borrow = bits.Sub64(x, word, borrow)
	}
	return borrow == 1
}
