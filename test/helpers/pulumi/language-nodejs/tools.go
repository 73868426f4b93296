//go:build tools

// Package languagenodejs only pins which Node.js language host is built for the tests.
package languagenodejs

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
