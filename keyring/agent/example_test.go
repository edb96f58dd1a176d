package agent_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring/agent"
)

// An agent within this process; the command line starts one of its own with
// agent.Unlock.
func Example() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "us")
	if err != nil {
		log.Fatal(err)
	}
	socket, err := agent.SocketPath(home, os.Getenv("XDG_RUNTIME_DIR"))
	if err != nil {
		log.Fatal(err)
	}
	server, err := agent.Listen(ctx, agent.Config{Socket: socket, Lifetime: 15 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, secret.Random(agent.SecretSize)) }()

	client, err := agent.Dial(ctx, socket)
	if err != nil {
		log.Fatal(err)
	}
	held, err := client.Secret(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("unlocked:", held.Len(), "bytes at", filepath.Base(socket))
	held.Destroy()
	fmt.Println("lock:", client.Lock(ctx))
	fmt.Println("ended:", <-ended)
	if err := os.RemoveAll(home); err != nil {
		log.Fatal(err)
	}
	// Output:
	// unlocked: 32 bytes at socket
	// lock: <nil>
	// ended: <nil>
}
