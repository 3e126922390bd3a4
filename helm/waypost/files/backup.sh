# Dumps the database of BACKUP_DATABASE_URL into BACKUP_FOLDER and keeps the newest BACKUP_KEEP dumps.
set -eu
umask 077
cd "$BACKUP_FOLDER"
# What an earlier run left unfinished.
rm -f .unfinished-*
name="waypost-$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --format=custom --no-password --dbname="$BACKUP_DATABASE_URL" --file=".unfinished-$name"
# A dump whose contents can not be listed is none.
pg_restore --list ".unfinished-$name" >/dev/null
mv ".unfinished-$name" "$name"
ls waypost-*.dump | sort -r | tail -n "+$((BACKUP_KEEP + 1))" | while read -r old; do rm -- "$old"; done
echo "$name: $(wc -c <"$name") bytes; $(ls waypost-*.dump | wc -l) dumps are kept"
