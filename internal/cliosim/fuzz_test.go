package cliosim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

// FuzzRequest: whatever is asked, the answer is not that the simulator failed.
func FuzzRequest(f *testing.F) {
	sim, err := cliosim.Open(f.Context(), cliosim.Config{
		Path: filepath.Join(f.TempDir(), "clio.db"), Relaxed: true, Settings: cliosim.Settings{RateLimit: 1 << 30},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sim.Close() })
	firm, err := sim.Seed(f.Context(), cliosim.SeedOptions{Matters: 3, Contacts: 3})
	if err != nil {
		f.Fatal(err)
	}
	tokens, err := sim.Issue(f.Context(), firm.Users[0], firm.App)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, patch bool, path, query, body string) {
		method := http.MethodGet
		if patch {
			method = http.MethodPatch
		}
		r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("Authorization", "Bearer "+tokens.Access)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		sim.Handler().ServeHTTP(w, r)
		if w.Code >= 500 && !strings.HasPrefix(path, "/_sim/") {
			text, err := io.ReadAll(w.Body)
			t.Errorf("%s %s?%s %s: %d %s %v", method, path, query, body, w.Code, text, err)
		}
	})
}
