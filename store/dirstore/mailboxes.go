package dirstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

const mailSuffix = ".mail"

// letter is a message's file. Its order is one more than the highest that its
// writer saw, so a message put after another came lies after it; of two put at
// once, both may have the same.
type letter struct {
	order uint64
	id    wire.Hash
	file  string
}

// letters of a box, oldest first; the same message may be there twice.
func (s *Store) letters(box store.Index) ([]letter, error) {
	folder := mailboxDir + "/" + box.String()
	names, err := s.dir.Names(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, reading(err)
	}
	var all []letter
	for _, name := range names {
		l, ok := parseLetter(name)
		if !ok {
			if !isDesktop(name) {
				s.warnings.copied(folder + "/" + name)
			}
			continue
		}
		l.file = folder + "/" + name
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b letter) int {
		return cmp.Or(cmp.Compare(a.order, b.order), slices.Compare(a.id[:], b.id[:]))
	})
	return all, nil
}

func parseLetter(name string) (letter, bool) {
	var l letter
	number, rest, ok := strings.Cut(name, "-")
	order, isNumber := parsePosition(number)
	id, hasSuffix := strings.CutSuffix(rest, mailSuffix)
	raw, err := hex.DecodeString(id)
	if !ok || !isNumber || !hasSuffix || err != nil || copy(l.id[:], raw) != len(l.id) || l.id.String() != id {
		return letter{}, false
	}
	l.order = order
	return l, true
}

// PutMail implements store.Mailboxes.
func (s *Store) PutMail(ctx context.Context, box store.Index, data []byte) error {
	if err := store.CheckItem(data, wire.MaxMail); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	all, err := s.letters(box)
	if err != nil {
		return err
	}
	var order uint64
	id := wire.Hash(sha256.Sum256(data))
	for _, l := range all {
		if l.id == id {
			return nil
		}
		order = min(l.order+1, maxPosition-1)
	}
	s.beginWriting()
	folder := mailboxDir + "/" + box.String()
	if err := s.dir.Mkdir(folder); err != nil {
		return writing(err)
	}
	// Replacing is fine: whoever else writes this name writes these bytes.
	return writing(s.dir.Write(fmt.Sprintf("%s/%0*d-%s%s", folder, digits, order, id, mailSuffix), data))
}

// ListMail implements store.Mailboxes. It fails with store.ErrDamaged if a
// message is not what its name says.
func (s *Store) ListMail(ctx context.Context, box store.Index, limit int) ([]store.Message, error) {
	all, err := s.letters(box)
	if err != nil {
		return nil, err
	}
	var messages []store.Message
	seen := map[wire.Hash]struct{}{}
	for _, l := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(messages) >= limit {
			break
		}
		if _, ok := seen[l.id]; ok {
			continue
		}
		data, err := s.dir.Read(l.file, wire.MaxMail)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // deleted since
		case err != nil:
			return nil, reading(err)
		case sha256.Sum256(data) != l.id:
			return nil, damaged(l.file, "is not what its name says")
		}
		seen[l.id] = struct{}{}
		messages = append(messages, store.Message{ID: l.id, Data: data})
	}
	return messages, ctx.Err()
}

// DeleteMail implements store.Mailboxes.
func (s *Store) DeleteMail(ctx context.Context, box store.Index, id wire.Hash) error {
	all, err := s.letters(box)
	if err != nil {
		return err
	}
	for _, l := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.id == id {
			if err := s.dir.Remove(l.file); err != nil {
				return writing(err)
			}
		}
	}
	return ctx.Err()
}
