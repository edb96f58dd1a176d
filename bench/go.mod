module github.com/underseal/underseal/bench

go 1.26.0

require (
	github.com/tink-crypto/tink-go/v2 v2.9.0
	github.com/underseal/underseal v0.0.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/btcsuite/btcd/btcutil v1.2.0 // indirect
	github.com/cloudflare/circl v1.6.5 // indirect
	github.com/fxamacker/cbor/v2 v2.9.6 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace github.com/underseal/underseal => ../
