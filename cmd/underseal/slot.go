package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// errSlotTaken: another process has the slot.
var errSlotTaken = errors.New("taken by another process")

// maxSlots is how many jobs one home works on at once and still takes over
// what a killed one held; more wait until that expires.
const maxSlots = 16

// takeSlot gives this process a name for leases that no other living process
// has: that of the first of the home's lock files that is free. The lock goes
// with the process, however that ends, so that the next one takes over its name
// and what it held. Where files cannot be locked there is no name.
func takeSlot(folder string) (name string, free func()) {
	for n := range maxSlots {
		f, err := lockSlot(filepath.Join(folder, fmt.Sprintf("process-%d.lock", n)))
		if errors.Is(err, errSlotTaken) {
			continue
		} else if err != nil {
			break
		}
		if name, err = slotName(f); err != nil {
			freeSlot(f) // nothing depends on it
			break
		}
		return name, func() { freeSlot(f) }
	}
	return "", func() {}
}

// slotName reads the name in a lock file, and makes one where there is none.
func slotName(f *os.File) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return "", err
	}
	if id, err := hex.DecodeString(string(b)); err == nil && len(id) == 8 {
		return string(b), nil
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	name := hex.EncodeToString(id[:])
	if err := f.Truncate(0); err != nil {
		return "", err
	}
	_, err = f.WriteAt([]byte(name), 0)
	return name, err
}
