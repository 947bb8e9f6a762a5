#!/bin/sh
# Makes the results of this report once more, from the same inputs, and the report of them.
#
#   sh rerun.sh [INPUTS [OUT]]
#
# INPUTS is a folder that holds the input files, wherever in it: they are known by their SHA-256. Without it they are
# looked for where they lay beside the results. OUT is the folder for the new results (rerun, here).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${2:-$here/rerun}
lcz=${LCZ:-lcz}
if [ -n "${1:-}" ]; then set -- --inputs "$1"; else set --; fi

{% for one in runs %}
{% if one.why %}
# {{ one.place }}: lcz {{ one.command }} is not run again here, {{ one.why }}; what is there is taken.
{% else %}
"$lcz" rerun {{ one.place }} "$@" {% if inside %}--inputs "$here/{{ inside }}" {% endif %}--out {{ one.new }}
{% endif %}
{% endfor %}
"$lcz" report {{ sources }} {% for option in told %}{{ option }} {% endfor %}--out "$out"
