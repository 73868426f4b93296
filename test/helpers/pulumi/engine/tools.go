//go:build tools

// Package engine only pins which Pulumi command line is built for the tests.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
