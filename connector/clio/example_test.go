package clio_test

import (
	"fmt"

	"github.com/underseal/underseal/connector/clio"
)

func ExampleAt() {
	for _, base := range []string{"https://eu.app.clio.com", "http://127.0.0.1:8088", "http://app.clio.com"} {
		site, err := clio.At(base)
		fmt.Println(site.Name(), err)
	}
	// Output:
	// eu <nil>
	// 127.0.0.1:8088 <nil>
	//  not a place where Clio is: the base URL is not https://HOST
}
