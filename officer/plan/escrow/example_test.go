package escrow_test

import (
	"fmt"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer/plan/escrow"
)

func Example() {
	key, shares, err := escrow.Shamir{}.Split(2, 3)
	if err != nil {
		panic(err)
	}
	again, err := escrow.Shamir{}.Join(2, map[uint64]*secret.Bytes{1: shares[0], 3: shares[2]})
	if err != nil {
		panic(err)
	}
	fmt.Println(again.Equal(key))
	_, err = escrow.Shamir{}.Join(2, map[uint64]*secret.Bytes{1: shares[0]})
	fmt.Println(err)
	// Output:
	// true
	// not a number of shares that gives the key back
}
