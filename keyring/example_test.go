package keyring_test

import (
	"fmt"
	"log"

	"github.com/underseal/underseal/keyring"
)

// A device makes an identity, keeps the file at home and the secret in a key
// store, and unlocks the one with the other later.
func Example() {
	id, secret, err := keyring.NewIdentity("Alice Officer", "alice@example.com", "laptop")
	if err != nil {
		log.Fatal(err)
	}
	file := id.Encode() // holds no secret

	again, err := keyring.ParseIdentity(file)
	if err != nil {
		log.Fatal(err)
	}
	me, err := again.Unlock(secret)
	if err != nil {
		log.Fatal(err)
	}
	defer me.Lock()
	fmt.Println(me.Card().Email.Text, me.Keys().ID() == again.Device())
	fmt.Println(secret)
	// Output:
	// alice@example.com true
	// [redacted]
}
