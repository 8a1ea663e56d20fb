package main

import (
	"github.com/sallyport/sallyport/internal/policy"
	"github.com/sallyport/sallyport/risks"
)

// schemaCmd prints the schema of the policy file.
type schemaCmd struct{}

// Help explains the command.
func (schemaCmd) Help() string {
	return `JSON Schema draft-07, for editors: put "# yaml-language-server: $schema=sallyport.schema.json" into the first line of sallyport.yaml.

Example:

    sallyport schema > sallyport.schema.json`
}

// Run prints the schema.
func (schemaCmd) Run(c *console) error { return c.print("%s", policy.Schema(risks.All())) }
