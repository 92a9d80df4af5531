#!/bin/sh
# usage: QEMU_CPU=cortex-a76 scripts/qemu_distill.sh ARGUMENTS...     runs build/aarch64/distill on an emulated processor
#
# What $DISTILL_BIN names when the tests run for ARM: they start the program as a process of its own, and the system
# may not know how to run another machine's. On ARM itself the program runs as it is.
case $(uname -m) in
    aarch64 | arm64) exec "${0%/*}/../build/aarch64/distill" "$@" ;;
    *) exec qemu-aarch64-static "${0%/*}/../build/aarch64/distill" "$@" ;;
esac
