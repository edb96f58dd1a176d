//go:build !js

package sqlitejournal

import (
	"context"
	"fmt"
)

// Limit bounds the file, as a full disk does.
func (j *Journal) Limit(ctx context.Context, pages int) error {
	_, err := j.db.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	return err
}
