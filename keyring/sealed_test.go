package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

func sealedDevice(t *testing.T, first byte) *Device {
	t.Helper()
	s := make([]byte, SecretSize)
	for i := range s {
		s[i] = first + byte(i)
	}
	d, err := NewDevice(secret.Take(s), 1, officer.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Destroy)
	return d
}

// TestSealedIsThePage: the bytes that spec/device.md shows.
func TestSealedIsThePage(t *testing.T) {
	got, err := sealedDevice(t, 0).seal("a.sealed", secret.Take([]byte("b")), bytes.Repeat([]byte{0x24}, 24))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../spec/device.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "\n"+hex.EncodeToString(got)+"\n") {
		t.Errorf("spec/device.md does not show %x", got)
	}
}

func TestSealed(t *testing.T) {
	d := sealedDevice(t, 0)
	for _, size := range []int{0, 1, 1000, MaxSealed} {
		want := secret.Random(size)
		file, err := d.Seal("clio.sealed", want)
		if err != nil {
			t.Fatalf("%d: %v", size, err)
		}
		got, err := d.OpenSealed("clio.sealed", file)
		if err != nil || !got.Equal(want) {
			t.Errorf("%d bytes did not come back: %v", size, err)
		}
		if again, _ := d.Seal("clio.sealed", want); bytes.Equal(again, file) {
			t.Error("the same nonce twice")
		}
	}
	if _, err := d.Seal("clio.sealed", secret.Random(MaxSealed+1)); !errors.Is(err, ErrSealedSize) {
		t.Errorf("too long: %v", err)
	}
}

func TestSealedRefuses(t *testing.T) {
	d := sealedDevice(t, 0)
	file, err := d.Seal("clio.sealed", secret.Take([]byte("token")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenSealed("clio.sealed", file); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenSealed("other.sealed", file); !errors.Is(err, ErrSealed) {
		t.Errorf("under another name: %v", err)
	}
	if _, err := sealedDevice(t, 1).OpenSealed("clio.sealed", file); !errors.Is(err, ErrSealed) {
		t.Errorf("by another device: %v", err)
	}
	for n := range file {
		if _, err := d.OpenSealed("clio.sealed", file[:n]); !errors.Is(err, ErrSealed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[n] ^= 1 << bit
			_, err := d.OpenSealed("clio.sealed", bad)
			var newer *wire.VersionError
			if !errors.Is(err, ErrSealed) && (n != 0 || !errors.As(err, &newer)) {
				t.Errorf("bit %d of byte %d: %v", bit, n, err)
			}
		}
	}
	if _, err := d.OpenSealed("clio.sealed", append(bytes.Clone(file), make([]byte, MaxSealed)...)); !errors.Is(err, ErrSealed) {
		t.Errorf("too long: %v", err)
	}
}
