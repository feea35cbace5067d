#!/bin/sh
# A program that is given what it can't use says so and exits with 2; it does not abort:
# refuses.sh TEXT PROGRAM ARGUMENT...
set -u
text=$1
shift
said=$("$@" 2>&1)
code=$?
if [ "$code" -ne 2 ]; then
  echo "exit code $code instead of 2: $said" >&2
  exit 1
fi
case $said in
  *"$text"*) ;;
  *) echo "\"$text\" is not in: $said" >&2; exit 1 ;;
esac
