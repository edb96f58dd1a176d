package officer

import (
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// ErrRequest: a request for recovery cannot be read, or is not what a fresh
// device signed.
var ErrRequest = errors.New("not a valid request for recovery")

// RequestFile is what a fresh device of somebody who has lost all others hands
// to an officer: PEM around CBOR[version, organization, device, acceptance,
// label] (spec/log-recovery.md, "The request"). It holds no secret.
type RequestFile struct {
	Organization OrganizationID
	Device       DeviceRecord
	Acceptance   []byte // signature of [RequestPayload]
	Label        Opening
}

type requestFileWire struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Organization OrganizationID
	Device       []byte
	Acceptance   []byte
	Label        Opening
}

const (
	requestParts = 5
	requestPEM   = "UNDERSEAL RECOVERY REQUEST"
	// MaxRequestText fits the text of every request: base64 and line breaks.
	MaxRequestText = 3 * wire.MaxCard
)

// Encode returns the file's text.
func (f RequestFile) Encode() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: requestPEM, Bytes: wire.MustMarshal(requestFileWire{
		Version: wire.Version, Organization: f.Organization, Device: f.Device.Encode(), Acceptance: f.Acceptance, Label: f.Label,
	})})
}

// DecodeRequestFile reads a request and checks all of it but whether the
// organization is the caller's.
func DecodeRequestFile(text []byte) (RequestFile, error) {
	if len(text) > MaxRequestText {
		return RequestFile{}, fmt.Errorf("%w: %w", ErrRequest, wire.ErrTooLarge)
	}
	content, err := textBlock(text, requestPEM, ErrRequest)
	if err != nil {
		return RequestFile{}, err
	}
	if err := wire.CheckVersion(content, "request for recovery", requestParts); err != nil {
		return RequestFile{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	var w requestFileWire
	if err := wire.Unmarshal(content, &w, wire.MaxCard); err != nil {
		return RequestFile{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	d, err := decodeDevice(w.Device)
	if err != nil {
		return RequestFile{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if d.Kind != DeviceInstallation {
		return RequestFile{}, fmt.Errorf("%w: kind of device", ErrRequest)
	}
	if w.Label.Kind != TextDevice || w.Label.Commitment() != d.Label || w.Label.Check() != nil {
		return RequestFile{}, fmt.Errorf("%w: %w", ErrRequest, ErrOpening)
	}
	if pubkey.Verify(d.Signing, wire.LabelDevice, RequestPayload(w.Organization, w.Device), w.Acceptance) != nil {
		return RequestFile{}, fmt.Errorf("%w: not signed by its device", ErrRequest)
	}
	return RequestFile{Organization: w.Organization, Device: d, Acceptance: w.Acceptance, Label: w.Label}, nil
}

// DeviceSafetyNumber is what an officer and whoever holds a device compare:
// [SafetyNumber] of the device's id.
func DeviceSafetyNumber(id DeviceID) string { return SafetyNumber(MemberID(id)) }
