package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSocketPath is what fits everywhere: the kernel has 104 bytes for the name
// of a socket on macOS and 108 on Linux, the final zero byte included.
const maxSocketPath = 100

// SocketPath returns where the agent of a home listens: HOME/agent/socket. If
// that is too long for a socket, it is in a directory of runtimeDir whose name
// is a hash of home; runtimeDir is a directory of the user's alone
// (XDG_RUNTIME_DIR), or "". ErrPath says that neither will do.
func SocketPath(home, runtimeDir string) (string, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPath, err)
	}
	if path := filepath.Join(home, "agent", "socket"); len(path) <= maxSocketPath {
		return path, nil
	}
	if resolved, err := filepath.EvalSymlinks(home); err == nil {
		home = resolved // so that two names of one home find one agent
	}
	sum := sha256.Sum256([]byte(home))
	path := filepath.Join(runtimeDir, "underseal-"+hex.EncodeToString(sum[:8]), "socket")
	if !filepath.IsAbs(runtimeDir) || len(path) > maxSocketPath {
		return "", fmt.Errorf("%w: the path of the home is too long and XDG_RUNTIME_DIR is not set", ErrPath)
	}
	return path, nil
}

// makeDir makes the socket's directory, whose parent exists.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", ErrPath, err)
	}
	return checkDir(dir)
}

// checkDir refuses a directory that another user could have made, or can put
// something into: whoever owns it decides who answers at the socket.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: no %s", ErrNotRunning, dir)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrPath, err)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a directory", ErrForeign, dir)
	}
	return checkOwner(dir, info, 0o077)
}

// checkSocket refuses what is not a socket of this user.
func checkSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: no %s", ErrNotRunning, path)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrPath, err)
	case info.IsDir() || info.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a socket", ErrForeign, path)
	}
	return checkOwner(path, info, 0)
}
