package connector_test

import (
	"fmt"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
)

// TestTypesAreThoseOfTheToken: a value goes into a token and comes back as
// what it was.
func TestTypesAreThoseOfTheToken(t *testing.T) {
	if uint8(connector.Text) != uint8(fieldcrypt.Text) || uint8(connector.JSON) != uint8(fieldcrypt.JSON) {
		t.Error("the two packages number the types differently")
	}
	for typ, want := range map[connector.Type]string{connector.Text: "text", connector.JSON: "json", 0: "unknown type", 9: "unknown type"} {
		if typ.String() != want {
			t.Errorf("%d: %s", typ, typ)
		}
	}
}

func ExampleType() {
	fmt.Println(connector.Text, connector.JSON)
	// Output: text json
}
