package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

const (
	// PairingTime is how long a code is good unless something else is asked for:
	// time to walk to the other device.
	PairingTime = 15 * time.Minute
	// MaxPairingTime is the longest: a code lies about for so long.
	MaxPairingTime = 24 * time.Hour
)

// pairingShownFile is what the device that shows a code remembers of it, sealed
// for itself; it is empty when the pairing has ended.
const pairingShownFile = "pairing.shown"

// pairingShown is CBOR[version, code, nonce, offer, answer].
type pairingShown struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Code    [pairingCodeSize]byte
	Nonce   [32]byte
	Offer   []byte // as it is in the mailbox
	Answer  []byte // likewise, once there is one
}

const pairingShownParts = 5

// Pairing is the side of the device that shows the code. It does not wait:
// whoever does calls Answer again. What it knows it keeps at home, so a pairing
// goes on where a program has ended.
type Pairing struct {
	w     *Workspace
	s     pairingShown
	code  PairingCode
	offer pairingOffer
}

// PairingAnswer is the device that answered.
type PairingAnswer struct {
	Device officer.DeviceID
	Label  string
	Words  PairingWords // to be compared with what that device shows
	Added  bool         // it is in the log already

	record     officer.DeviceRecord
	label      officer.Opening
	acceptance []byte
}

// BeginPairing makes a code for one more device of the caller's, good for the
// given time, of which there is at most MaxPairingTime; 0 means PairingTime. A
// pairing that was under way here is ended.
func (w *Workspace) BeginPairing(ctx context.Context, good time.Duration) (*Pairing, error) {
	if err := w.requireMe(); err != nil {
		return nil, err
	}
	if w.Expired(w.Me()) {
		return nil, ErrExpired
	}
	if before, err := w.Pairing(); err == nil {
		defer before.Close()
		if err := before.End(ctx); err != nil {
			return nil, err
		}
	}
	if good == 0 {
		good = PairingTime
	}
	p := &Pairing{w: w, code: newPairingCode()}
	p.s.Version = wire.Version
	copy(p.s.Code[:], p.code.s.Expose())
	_, _ = rand.Read(p.s.Nonce[:])
	head := w.state.Head()
	p.offer = pairingOffer{
		Version: wire.Version, Organization: w.Organization(), Member: w.Me().ID, Record: w.me.Keys().Record().Encode(),
		Length: head.Length, Head: head.Hash, Expires: uint64(max(w.now().Add(min(good, MaxPairingTime)).Unix(), 0)),
		Nonce: wire.Sum(wire.LabelPairingNonce, p.s.Nonce[:]),
	}
	p.offer.Signature = w.me.Keys().Sign(wire.LabelPairingSign, p.offer.payload())
	var err error
	if p.s.Offer, err = p.code.seal(wire.LabelPairingOffer, p.offer); err != nil {
		return nil, err
	}
	if err := p.save(); err != nil { // before anybody can answer
		return nil, err
	}
	if err := p.put(ctx, p.s.Offer); err != nil {
		return nil, err
	}
	return p, nil
}

// Pairing is the one that is under way on this device, or ErrNoPairing.
func (w *Workspace) Pairing() (*Pairing, error) {
	p := &Pairing{w: w}
	if err := loadPairing(w.local, w.me.Keys(), pairingShownFile, pairingShownParts, &p.s); err != nil {
		return nil, err
	}
	p.code = PairingCode{secret.New(p.s.Code[:])}
	var err error
	if p.offer, _, err = parseOffer(p.code.open(wire.LabelPairingOffer, p.s.Offer)); err != nil || p.offer.Organization != w.Organization() {
		return nil, fmt.Errorf("%s: %w", pairingShownFile, ErrLocal)
	}
	return p, nil
}

// loadPairing reads a file that a device sealed for itself.
func loadPairing(l Local, d *keyring.Device, name string, parts int, into any) error {
	b, err := l.Load(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return ErrNoPairing
	case err != nil:
		return err
	}
	plain, err := d.OpenSealed(name, b)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrLocal, err)
	}
	defer plain.Destroy()
	if err := wire.CheckVersion(plain.Expose(), name, parts); err != nil {
		return fmt.Errorf("%w: %w", ErrLocal, err)
	}
	if err := wire.Unmarshal(plain.Expose(), into, 4*maxPairing); err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrLocal, err)
	}
	return nil
}

func savePairing(l Local, d *keyring.Device, name string, state any) error {
	plain := secret.Take(wire.MustMarshal(state))
	defer plain.Destroy()
	b, err := d.Seal(name, plain)
	if err != nil {
		return err
	}
	return l.Save(name, b)
}

func (p *Pairing) save() error { return savePairing(p.w.local, p.w.me.Keys(), pairingShownFile, p.s) }

func (p *Pairing) put(ctx context.Context, sealed []byte) error {
	if err := p.w.store.PutMail(ctx, p.code.box(), sealed); err != nil {
		return fmt.Errorf("leave a message: %w", err)
	}
	return nil
}

// Code is what the other device needs, until Close.
func (p *Pairing) Code() PairingCode { return p.code }

// Expires is when the code ends, by this device's clock.
func (p *Pairing) Expires() time.Time { return timeOf(p.offer.Expires) }

// Answer looks who has answered: nil if nobody has. It ends the pairing, with
// nothing added, if the code has expired or anything shows that somebody else
// has it: ErrPairingExpired, ErrPairingTwice, ErrPairingAltered.
func (p *Pairing) Answer(ctx context.Context) (*PairingAnswer, error) {
	if err := p.w.Sync(ctx); err != nil {
		return nil, err
	}
	if err := p.w.requireMe(); err != nil { // removed while it waited
		return nil, err
	}
	if err := p.reload(); err != nil {
		return nil, err
	}
	if len(p.s.Answer) > 0 {
		if a, err := p.answer(); err != nil || a.Added {
			return a, err // nothing is left to be decided
		}
	}
	if !p.w.now().Before(p.Expires()) {
		return nil, p.fail(ctx, ErrPairingExpired)
	}
	if err := p.put(ctx, p.s.Offer); err != nil { // again, where an attempt stopped
		return nil, err
	}
	l, err := p.code.letters(ctx, p.w.store)
	if err != nil {
		return nil, err
	}
	for _, m := range l.answers {
		if len(p.s.Answer) > 0 && string(p.s.Answer) != string(m) || len(l.answers) > 1 {
			return nil, p.fail(ctx, ErrPairingTwice)
		}
	}
	for _, m := range l.offers {
		if string(m) != string(p.s.Offer) {
			return nil, p.fail(ctx, ErrPairingTwice)
		}
	}
	if len(p.s.Answer) == 0 {
		if len(l.answers) == 0 {
			return nil, nil
		}
		p.s.Answer = l.answers[0]
		if _, err := p.answer(); err != nil {
			return nil, p.fail(ctx, err)
		}
		// This answer and no other, from here on: only then the nonce.
		if err := p.save(); err != nil {
			return nil, err
		}
	}
	if err := p.reveal(ctx, l.reveals); err != nil {
		return nil, err
	}
	return p.answer()
}

// reload takes what is kept at home for what is so: another command of this
// device may have taken an answer, or ended the pairing, and an answer that could
// not be kept is none. Otherwise a second one could be chosen once the nonce is
// known.
func (p *Pairing) reload() error {
	var kept pairingShown
	if err := loadPairing(p.w.local, p.w.me.Keys(), pairingShownFile, pairingShownParts, &kept); err != nil {
		return err
	}
	code := PairingCode{secret.Take(kept.Code[:])}
	defer code.Destroy()
	if !code.s.Equal(p.code.s) {
		return ErrNoPairing
	}
	p.s.Answer = kept.Answer
	return nil
}

// answer reads the answer that is kept.
func (p *Pairing) answer() (*PairingAnswer, error) {
	a, d, label, err := parseAnswer(p.code.open(wire.LabelPairingAnswer, p.s.Answer), messageHash(p.s.Offer), p.offer.Organization, p.offer.Member)
	if err != nil {
		return nil, err
	}
	there := p.w.state.Device(d.ID())
	return &PairingAnswer{
		Device: d.ID(), Label: label.Text, Words: pairingWords(p.offer, a.Record, p.s.Nonce),
		Added:  there != nil && there.Member == p.offer.Member && !there.Removed,
		record: d, label: label, acceptance: a.Acceptance,
	}, nil
}

// reveal opens the commitment to the nonce, once the answer is kept.
func (p *Pairing) reveal(ctx context.Context, there [][]byte) error {
	for _, m := range there {
		if _, ok := readReveal(p.code.open(wire.LabelPairingReveal, m), p.s.Answer, p.offer.Nonce); ok {
			return nil
		}
	}
	m, err := p.code.seal(wire.LabelPairingReveal, pairingReveal{Version: wire.Version, Answer: messageHash(p.s.Answer), Nonce: p.s.Nonce})
	if err != nil {
		return err
	}
	return p.put(ctx, m)
}

// Confirm adds the device that answered, if the person found these words on it:
// one entry, with the present user key sealed to it. Other words end the
// pairing with ErrPairingWords.
func (p *Pairing) Confirm(ctx context.Context, words PairingWords) error {
	found, err := p.Answer(ctx)
	switch {
	case err != nil:
		return err
	case found == nil:
		return ErrPairingNothing
	case found.Words != words:
		return p.fail(ctx, ErrPairingWords)
	}
	if !found.Added {
		if err := p.w.addDevice(ctx, found.record, found.acceptance, found.label); err != nil {
			return err
		}
	}
	// The other device may not have read the reveal yet, and deletes it.
	l, err := p.code.letters(ctx, p.w.store)
	if err != nil {
		return err
	}
	if err := p.code.sweep(ctx, p.w.store, l.offers, l.answers); err != nil {
		return err
	}
	return p.w.local.Save(pairingShownFile, nil)
}

// End ends the pairing: its code is good for nothing any more.
func (p *Pairing) End(ctx context.Context) error {
	// At home first: from then on no answer is taken, whatever the store keeps.
	if err := p.w.local.Save(pairingShownFile, nil); err != nil {
		return err
	}
	l, err := p.code.letters(ctx, p.w.store)
	if err != nil {
		return err
	}
	return p.code.sweep(ctx, p.w.store, l.offers, l.answers, l.reveals)
}

// fail ends the pairing because of err, which is what counts.
func (p *Pairing) fail(ctx context.Context, err error) error { return errors.Join(err, p.End(ctx)) }

// Close clears the code.
func (p *Pairing) Close() {
	p.code.Destroy()
	clear(p.s.Code[:])
	clear(p.s.Nonce[:])
}
