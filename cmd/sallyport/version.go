package main

import (
	"runtime"
	"runtime/debug"
)

// versionCmd prints the version.
type versionCmd struct {
	output `embed:""`
}

// Help explains the command.
func (versionCmd) Help() string {
	return `Example:

    sallyport version -o json`
}

// A build says what this program was made of.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild reads what the linker knows.
func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// Run prints the version.
func (v *versionCmd) Run(c *console) error {
	b := thisBuild()
	if v.json() {
		return c.json(b)
	}
	commit := dash(b.Commit)
	if b.Modified {
		commit += " and changes"
	}
	return c.print("sallyport %s\ncommit %s\n%s %s\n", b.Version, commit, b.Go, b.Platform)
}
