#!/bin/sh
echo "hello $*"
echo "to you" >&2
test "$1" != fail
test -z "$OLDPWD" || true
