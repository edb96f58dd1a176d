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
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	store, err := keystore.Choose(ctx, keystore.Choice{
		Dir:            filepath.Join("testdata", "frozen"), // a program has its home here
		PassphraseFile: passphrase,                          // UNDERSEAL_PASSPHRASE_FILE
	})
	if err != nil {
		log.Fatal(err)
	}
	secret, err := store.Load(ctx, "v1")
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Destroy()
	fmt.Println(store.Name(), secret.Len(), secret)

	_, err = store.Load(ctx, "v2")
	fmt.Println(errors.Is(err, keystore.ErrNoKey))
	// Output:
	// file 32 [redacted]
	// true
}
