package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/underseal/underseal/keyring/keystore"
)

func ExampleChoose() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	store, err := keystore.Choose(ctx, keystore.Choice{
		Dir:            home,
		PassphraseFile: filepath.Join(home, "passphrase"), // from UNDERSEAL_PASSPHRASE_FILE
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("key store:", store.Name())

	// A missing secret is an error, never a reason to make a new one.
	_, err = store.Load(ctx, "my-device")
	fmt.Println("no key:", errors.Is(err, keystore.ErrNoKey))
	if err := os.RemoveAll(home); err != nil {
		log.Fatal(err)
	}
	// Output:
	// key store: file
	// no key: true
}
