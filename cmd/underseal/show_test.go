package main

import (
	"encoding/json"
	"testing"
)

// Attack 35 in JSON: a name that holds control characters of eight bits or
// reorders what follows is written out, and reads as what it was.
func TestJSONIsSafeToShow(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain", "ünïcödé 漢", "\u009b31m red", "\u202egnp.exe", "\x7f", "\u200bzero", "\U000e0041tag", "a\\u0041", "\"quoted\"", "\u2028"} {
		body, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out := escapeJSON(body)
		var back string
		if err := json.Unmarshal(out, &back); err != nil || back != s {
			t.Errorf("%q became %q: %v", s, back, err)
		}
		for _, r := range string(out) {
			if r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 0x200b || r == 0xe0041 {
				t.Errorf("%q is written as %q", s, out)
			}
		}
	}
}
