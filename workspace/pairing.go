package workspace

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
)

// Errors of a pairing (spec/pairing.md), wrapped with detail, never with a part
// of the code.
var (
	// ErrPairingCode: what was typed or scanned is no pairing code.
	ErrPairingCode = errors.New("not a pairing code")
	// ErrNoPairing: no pairing is under way on this device.
	ErrNoPairing = errors.New("no pairing is under way on this device")
	// ErrPairingNothing: the store has nothing under the code.
	ErrPairingNothing = errors.New("nothing waits under this pairing code")
	// ErrPairingExpired: the code's time is over.
	ErrPairingExpired = errors.New("the pairing code has expired")
	// ErrPairingTwice: two devices answered one code, or two showed it: somebody
	// else has it. None was added.
	ErrPairingTwice = errors.New("somebody else used this pairing code; nothing was added")
	// ErrPairingAltered: what came under the code was not made by an honest
	// device: somebody else has the code. Nothing was added.
	ErrPairingAltered = errors.New("what came under the pairing code does not verify; nothing was added")
	// ErrPairingWords: the two devices do not show the same words: somebody sits
	// between them. Nothing was added.
	ErrPairingWords = errors.New("the six words differ; nothing was added")
	// ErrPairingEnded: the device that showed the code has ended the pairing, or
	// was removed.
	ErrPairingEnded = errors.New("the other device has ended the pairing")
)

const (
	pairingPrefix   = "underseal-pair-"
	pairingCodeSize = 16 // bytes: 128 bits
	// pairingSymbols are the characters of a code after the prefix and "1": 26
	// of 128 bits, 6 of the checksum.
	pairingSymbols = 32
	// maxPairingText bounds what is looked at: a code in groups has 55.
	maxPairingText = 256
	// maxPairing bounds a message: the longest, an answer with a label of 1024
	// bytes, has 2,663.
	maxPairing = 4096
	// maxPairingMail bounds how many messages are looked at; honest devices
	// leave three.
	maxPairingMail = 64
)

// PairingCode is what one device shows and another is given: 128 bits, for one
// pairing. Everything that the two say to each other is sealed under it.
type PairingCode struct{ s *secret.Bytes }

func newPairingCode() PairingCode { return PairingCode{secret.Random(pairingCodeSize)} }

// ParsePairingCode reads a code as people type it: with or without its prefix,
// in upper or lower case throughout, with white space and hyphens anywhere. A
// single wrong character is always found. No error holds a part of it.
func ParsePairingCode(typed *secret.Bytes) (PairingCode, error) {
	if typed.Len() > maxPairingText {
		return PairingCode{}, fmt.Errorf("%w: too long", ErrPairingCode)
	}
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune("- \t\r\n", r) {
			return -1
		}
		return r
	}, string(typed.Expose()))
	// The prefix is in the case of the rest: a mixture is refused below.
	prefix := pairingPrefix + "1"
	short := strings.ReplaceAll(prefix, "-", "")
	for _, p := range []string{short, strings.ToUpper(short)} {
		if rest, ok := strings.CutPrefix(text, p); ok {
			if strings.ContainsFunc(rest, otherCase(p)) {
				return PairingCode{}, fmt.Errorf("%w: lower and upper case are mixed", ErrPairingCode)
			}
			text = rest
		}
	}
	if len(text) != pairingSymbols {
		return PairingCode{}, fmt.Errorf("%w: %d characters, not %d", ErrPairingCode, len(text), pairingSymbols)
	}
	if text == strings.ToUpper(text) {
		prefix = strings.ToUpper(prefix)
	}
	b, err := bech32text.Decode(pairingPrefix, pairingCodeSize, prefix+text)
	if err != nil {
		return PairingCode{}, fmt.Errorf("%w: %w", ErrPairingCode, err) // it never quotes the text
	}
	return PairingCode{secret.Take(b)}, nil
}

// otherCase finds letters of the other case than the prefix has.
func otherCase(prefix string) func(rune) bool {
	if prefix == strings.ToUpper(prefix) {
		return func(r rune) bool { return 'a' <= r && r <= 'z' }
	}
	return func(r rune) bool { return 'A' <= r && r <= 'Z' }
}

// Text is the code as a line, "UNDERSEAL-PAIR-1…". The caller destroys it.
func (c PairingCode) Text() *secret.Bytes {
	return secret.Take([]byte(strings.ToUpper(bech32text.Encode(pairingPrefix, c.s.Expose()))))
}

// Destroy clears the code.
func (c PairingCode) Destroy() { c.s.Destroy() }

// key derives 32 bytes for one purpose.
func (c PairingCode) key(label string) *secret.Bytes {
	b, err := hkdf.Key(sha256.New, c.s.Expose(), []byte(wire.LabelPairing), string(wire.Labelled(label, nil)), 32)
	if err != nil {
		panic(err) // only lengths above 255 hashes fail
	}
	return secret.Take(b)
}

// box is the mailbox. It tells nothing of the code but to who has the code.
func (c PairingCode) box() (box store.Index) {
	k := c.key(wire.LabelPairingBox)
	defer k.Destroy()
	copy(box[:], k.Expose())
	return box
}

func (c PairingCode) seal(label string, message any) ([]byte, error) {
	k := c.key(label)
	defer k.Destroy()
	aead, err := chacha20poly1305.NewX(k.Expose())
	if err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX, maxPairing)
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, wire.MustMarshal(message), wire.Labelled(label, nil)), nil
}

// open returns nil for what is not sealed under the code for this purpose.
func (c PairingCode) open(label string, sealed []byte) []byte {
	const n = chacha20poly1305.NonceSizeX
	if len(sealed) < n || len(sealed) > maxPairing {
		return nil
	}
	k := c.key(label)
	defer k.Destroy()
	aead, err := chacha20poly1305.NewX(k.Expose())
	if err != nil {
		return nil
	}
	plain, err := aead.Open(nil, sealed[:n], sealed[n:], wire.Labelled(label, nil))
	if err != nil {
		return nil
	}
	return plain
}

// letters is what lies in the mailbox: what opens, sorted by what it is. Whoever
// writes into the store can leave anything else there, which is passed over.
type letters struct{ offers, answers, reveals [][]byte }

func (c PairingCode) letters(ctx context.Context, st store.Mailboxes) (l letters, err error) {
	list, err := st.ListMail(ctx, c.box(), maxPairingMail)
	if err != nil {
		return l, fmt.Errorf("read the mailbox: %w", err)
	}
	for _, m := range list {
		for _, kind := range []struct {
			label string
			of    *[][]byte
		}{{wire.LabelPairingOffer, &l.offers}, {wire.LabelPairingAnswer, &l.answers}, {wire.LabelPairingReveal, &l.reveals}} {
			same := func(b []byte) bool { return string(b) == string(m.Data) }
			if c.open(kind.label, m.Data) != nil && !slices.ContainsFunc(*kind.of, same) {
				*kind.of = append(*kind.of, m.Data)
			}
		}
	}
	return l, nil
}

// sweep deletes what opens, so that a code leaves nothing behind.
func (c PairingCode) sweep(ctx context.Context, st store.Mailboxes, lists ...[][]byte) error {
	for _, m := range slices.Concat(lists...) {
		if err := st.DeleteMail(ctx, c.box(), messageHash(m)); err != nil {
			return fmt.Errorf("clear the mailbox: %w", err)
		}
	}
	return nil
}

// messageHash names a message as the store does.
func messageHash(sealed []byte) officer.Hash { return sha256.Sum256(sealed) }

// pairingOffer is what the old device says first.
type pairingOffer struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Organization officer.OrganizationID
	Member       officer.MemberID
	Record       []byte // the old device's
	Length       uint64 // the head that it has verified
	Head         officer.Hash
	Expires      uint64       // unix seconds
	Nonce        officer.Hash // commitment to its nonce
	Signature    []byte
}

// pairingAnswer is what the new device says.
type pairingAnswer struct {
	_          struct{} `cbor:",toarray"`
	Version    uint64
	Offer      officer.Hash // of the message that it answers
	Record     []byte
	Label      []byte // opening of the record's label, padded
	Acceptance []byte
}

// pairingReveal opens the commitment, once the answer cannot be another.
type pairingReveal struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Answer  officer.Hash // of the message that it follows
	Nonce   [32]byte
}

const (
	pairingOfferParts  = 9
	pairingAnswerParts = 5
	pairingRevealParts = 3
)

func (o pairingOffer) payload() []byte {
	o.Signature = []byte{}
	return wire.MustMarshal(o)
}

func (o pairingOffer) head() officer.Head { return officer.Head{Length: o.Length, Hash: o.Head} }

func decodePairing(b []byte, what string, parts int, into any) error {
	if err := wire.CheckVersion(b, what, parts); err != nil {
		return fmt.Errorf("%w: %w", ErrPairingAltered, err)
	}
	if err := wire.Unmarshal(b, into, maxPairing); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrPairingAltered, what, err)
	}
	return nil
}

// parseOffer checks what can be checked without the log.
func parseOffer(b []byte) (o pairingOffer, d officer.DeviceRecord, err error) {
	if err := decodePairing(b, "pairing offer", pairingOfferParts, &o); err != nil {
		return o, d, err
	}
	if d, err = officer.ParseDeviceRecord(o.Record); err != nil {
		return o, d, fmt.Errorf("%w: device: %w", ErrPairingAltered, err)
	}
	if o.Length == 0 || pubkey.Verify(d.Signing, wire.LabelPairingSign, o.payload(), o.Signature) != nil {
		return o, d, fmt.Errorf("%w: signature of the offer", ErrPairingAltered)
	}
	return o, d, nil
}

// parseAnswer checks an answer to an offer whose message has the given hash.
func parseAnswer(b []byte, offer officer.Hash, org officer.OrganizationID, member officer.MemberID) (a pairingAnswer, d officer.DeviceRecord, label officer.Opening, err error) {
	if err := decodePairing(b, "pairing answer", pairingAnswerParts, &a); err != nil {
		return a, d, label, err
	}
	if a.Offer != offer {
		return a, d, label, fmt.Errorf("%w: an answer to another offer", ErrPairingAltered)
	}
	if d, err = officer.ParseDeviceRecord(a.Record); err != nil {
		return a, d, label, fmt.Errorf("%w: device: %w", ErrPairingAltered, err)
	}
	if label, err = officer.DecodeOpening(a.Label, d.Label); err != nil {
		return a, d, label, fmt.Errorf("%w: label: %w", ErrPairingAltered, err)
	}
	if d.Kind != officer.DeviceInstallation || label.Kind != officer.TextDevice ||
		pubkey.Verify(d.Signing, wire.LabelDevice, officer.AcceptancePayload(org, member, a.Record), a.Acceptance) != nil {
		return a, d, label, fmt.Errorf("%w: not a device that agrees", ErrPairingAltered)
	}
	return a, d, label, nil
}

// readReveal reads the nonce, if the message follows this answer and the nonce
// is the one that was committed to.
func readReveal(b, answer []byte, commitment officer.Hash) (nonce [32]byte, ok bool) {
	var r pairingReveal
	if decodePairing(b, "pairing reveal", pairingRevealParts, &r) != nil {
		return nonce, false
	}
	return r.Nonce, r.Answer == messageHash(answer) && wire.Sum(wire.LabelPairingNonce, r.Nonce[:]) == commitment
}

// PairingWords are six words of BIP 39's English list, by number from 0. Both
// devices show them, and a person compares. They come from the transcript: a
// device that was slipped in between, even by who has seen the code, shows
// others.
type PairingWords [6]uint16

// wordBits is how many bits choose a word of 2,048.
const wordBits = 11

func pairingWords(o pairingOffer, record []byte, nonce [32]byte) (words PairingWords) {
	sum := wire.Sum(wire.LabelPairingWords, wire.MustMarshal([]any{o.Organization, o.Member, o.Record, record, nonce}))
	for i := range words {
		for j := i * wordBits; j < (i+1)*wordBits; j++ {
			words[i] = words[i]<<1 | uint16(sum[j/8]>>(7-j%8)&1)
		}
	}
	return words
}

// timeOf is a time as messages have it; none is beyond what can be printed.
func timeOf(seconds uint64) time.Time { return time.Unix(int64(min(seconds, maxSynced)), 0).UTC() }
