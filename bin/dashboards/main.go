// Reads dashboards as Grafana's own schema has them, in the types that Grafana makes of it: an unknown field or a value of
// another kind is an error. Run by .ci/chart with the folder of the dashboards.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	files, _ := filepath.Glob(filepath.Join(os.Args[1], "*.json"))
	failed := len(files) == 0
	for _, file := range files {
		// What is right comes back as a list of errors that is empty, and not nil.
		if err := check(file); err != nil && err.Error() != "" {
			fmt.Printf("%s: %s\n", file, err)
			failed = true
		}
	}
	fmt.Printf("%d dashboards are looked at\n", len(files))
	if failed {
		os.Exit(1)
	}
}

func check(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var its dashboard.Dashboard
	if err := its.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		return err
	}
	return its.Validate()
}
