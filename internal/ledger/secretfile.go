package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Names of the files that hold secrets, all with mode 0600.
const (
	signFile  = "sign.key" // the Ed25519 seed that signs heads
	kekFile   = "kek.key"  // the key-encryption keys, one line a version
	tableFile = "subjects" // the wrapped keys of the subjects
)

// publicFile lies beside the segments, so that a copy of the log verifies.
const publicFile = "key.pub"

// A vault is a folder of secrets.
type vault struct {
	dir    string
	volume volume
	rand   io.Reader
}

// loadSecret reads the newest version of a secret of size bytes from a file of
// lines "sallyport NAME VERSION BASE64", and makes the file with version 1
// when there is none. A file that others may read is refused.
func (v vault) loadSecret(file, name string, size int) ([]byte, error) {
	path := filepath.Join(v.dir, file)
	b, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v.makeSecret(path, name, size)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	fields := strings.Fields(string(b))
	if len(fields) != 4 || fields[0] != "sallyport" || fields[1] != name || fields[2] != "1" {
		return nil, fmt.Errorf("read %s: not a file of sallyport's %s, version 1", path, name)
	}
	secret, err := base64.StdEncoding.DecodeString(fields[3])
	if err != nil || len(secret) != size {
		return nil, fmt.Errorf("read %s: the key must be %d bytes in base64", path, size)
	}
	return secret, nil
}

func (v vault) makeSecret(path, name string, size int) ([]byte, error) {
	secret := make([]byte, size)
	if _, err := io.ReadFull(v.rand, secret); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	line := "sallyport " + name + " 1 " + base64.StdEncoding.EncodeToString(secret) + "\n"
	if err := writeWhole(v.volume, path, []byte(line), 0o600); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return secret, nil
}

// readPrivate reads a small file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 || info.Size() > 1<<12 {
		return nil, fmt.Errorf("mode %04o and %d bytes: a secret must have mode 0600 and is small", info.Mode().Perm(), info.Size())
	}
	return os.ReadFile(path)
}

// writeWhole makes a file that is whole and on the disk, or not there. The
// caller holds the lock of the ledger and saw that there is none.
func writeWhole(vol volume, path string, b []byte, mode fs.FileMode) error {
	temp := path + ".new"
	f, err := vol.open(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, vol.remove(temp))
	}
	if err := vol.rename(temp, path); err != nil {
		return err
	}
	return vol.syncDir(filepath.Dir(path))
}

// loadSigner reads or makes the signing key, and puts the public key beside
// the log. A public key there that differs is refused: heads signed from now
// on would not verify with it.
func (v vault) loadSigner(dir string) (*signer, error) {
	seed, err := v.loadSecret(signFile, "signing-key", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("load the signing key: not Ed25519")
	}
	path := filepath.Join(dir, publicFile)
	beside, err := ReadPublicKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeWhole(v.volume, path, formatPublicKey(public), 0o644); err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
	case err != nil:
		return nil, err
	case !beside.Equal(public):
		return nil, fmt.Errorf("open the ledger: %s is %s, but %s signs as %s; restore the key that belongs to this log", path, Fingerprint(beside), signFile, Fingerprint(public))
	}
	return &signer{private: private, fingerprint: Fingerprint(public)}, nil
}

// publicPrefix begins the one line of a public key file.
const publicPrefix = "sallyport-ed25519 "

func formatPublicKey(key ed25519.PublicKey) []byte {
	return []byte(publicPrefix + base64.StdEncoding.EncodeToString(key) + "\n")
}

// ReadPublicKey reads the public key that lies beside a log, or a copy of it.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), publicPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("read the public key %s: want one line %q and 32 bytes in base64", path, publicPrefix)
	}
	return key, nil
}
