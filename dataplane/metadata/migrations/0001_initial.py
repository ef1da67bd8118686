"""The regional schema. Columns of hot tables are in physical order: wide fixed ones first, so that no padding is stored."""

import dataplane.metadata.models.fields
from django.db import migrations, models

JOURNAL = """
CREATE SEQUENCE journal_id_seq AS bigint CACHE 1;
CREATE TABLE journal (
    id bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    bucket_id bigint NOT NULL,
    size bigint NOT NULL,
    bytes_delta bigint NOT NULL,
    versions_delta smallint NOT NULL,
    kind smallint NOT NULL,
    key text COLLATE "C" NOT NULL,
    version_id text NOT NULL,
    etag text NOT NULL
) PARTITION BY RANGE (created);
CREATE INDEX journal_order ON journal (xid, id);
CREATE TABLE journal_rest PARTITION OF journal DEFAULT;
-- The first days; dataplane/metadata/journal.py makes those that follow.
DO $$
DECLARE
    day date;
BEGIN
    FOR ahead IN 0..3 LOOP
        day := (now() AT TIME ZONE 'UTC')::date + ahead;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%L) TO (%L)',
            'journal_' || to_char(day, 'YYYYMMDD'), day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00'
        );
    END LOOP;
END $$;
"""

STORAGE = """
-- Ciphertext does not compress; EXTERNAL also lets a slice be read without the rest.
ALTER TABLE object_version ALTER COLUMN body SET STORAGE EXTERNAL;
-- Room for the next version of a row on its own page: an overwrite in place then touches no index.
ALTER TABLE object_version SET (fillfactor = 80);
ALTER TABLE task SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
-- One row a bucket, locked by every commit: keep its page to itself and its dead versions few.
ALTER TABLE bucket_state SET (fillfactor = 50);
"""

UNDO_JOURNAL = "DROP TABLE journal; DROP SEQUENCE journal_id_seq;"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='BucketStateRow',
            fields=[
                ('bucket_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('epoch', models.BigIntegerField(db_default=0)),
                ('quota_bytes', models.BigIntegerField(null=True)),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('versioning', models.SmallIntegerField(db_default=0)),
                ('object_lock', models.BooleanField(db_default=False)),
                ('deleted', models.BooleanField(db_default=False)),
            ],
            options={
                'db_table': 'bucket_state',
            },
        ),
        migrations.CreateModel(
            name='BucketUsageRow',
            fields=[
                ('bucket_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('versions', models.BigIntegerField(db_default=0)),
                ('bytes', models.BigIntegerField(db_default=0)),
                ('updated', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
            ],
            options={
                'db_table': 'bucket_usage',
            },
        ),
        migrations.CreateModel(
            name='JournalCursorRow',
            fields=[
                ('name', models.TextField(primary_key=True, serialize=False)),
                ('position_xid', dataplane.metadata.models.fields.TransactionIdField()),
                ('position_id', models.BigIntegerField()),
                ('updated', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
            ],
            options={
                'db_table': 'journal_cursor',
            },
        ),
        migrations.CreateModel(
            name='LeaseRow',
            fields=[
                ('name', models.TextField(primary_key=True, serialize=False)),
                ('holder', models.TextField()),
                ('token', models.BigIntegerField()),
                ('expires', models.DateTimeField()),
                ('cursor', models.JSONField(null=True)),
            ],
            options={
                'db_table': 'lease',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='UploadPartRow',
            fields=[
                ('pk', models.CompositePrimaryKey('upload_row_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('upload_row_id', models.BigIntegerField()),
                ('size', models.BigIntegerField()),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('blob_id', models.UUIDField()),
                ('number', models.SmallIntegerField()),
                ('etag', models.TextField()),
                ('checksum_algorithm', models.TextField(null=True)),
                ('checksum_value', models.TextField(null=True)),
                ('checksum_type', models.TextField(null=True)),
            ],
            options={
                'db_table': 'upload_part',
            },
        ),
        migrations.CreateModel(
            name='VersionPartRow',
            fields=[
                ('pk', models.CompositePrimaryKey('version_row_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('version_row_id', models.BigIntegerField()),
                ('size', models.BigIntegerField()),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('blob_id', models.UUIDField()),
                ('number', models.SmallIntegerField()),
                ('etag', models.TextField()),
                ('checksum_algorithm', models.TextField(null=True)),
                ('checksum_value', models.TextField(null=True)),
                ('checksum_type', models.TextField(null=True)),
            ],
            options={
                'db_table': 'version_part',
            },
        ),
        migrations.CreateModel(
            name='BlobRow',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('size', models.BigIntegerField()),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('segment_bytes', models.IntegerField()),
                ('refs', models.IntegerField(db_default=1)),
                ('k', models.SmallIntegerField()),
                ('m', models.SmallIntegerField()),
                ('stores', dataplane.metadata.models.fields.SmallIntegerArrayField()),
                ('encryption_key_id', models.TextField(null=True)),
                ('wrapped_key', models.BinaryField(null=True)),
                ('content_hash', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'blob',
                'constraints': [models.CheckConstraint(condition=models.Q(('refs__gte', 0)), name='blob_refs_not_negative')],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(JOURNAL, UNDO_JOURNAL)],
            state_operations=[
                migrations.CreateModel(
                    name='JournalRow',
                    fields=[
                        ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                        ('xid', dataplane.metadata.models.fields.TransactionIdField(db_default=dataplane.metadata.models.fields.CurrentTransaction())),
                        ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                        ('bucket_id', models.BigIntegerField()),
                        ('size', models.BigIntegerField()),
                        ('bytes_delta', models.BigIntegerField()),
                        ('versions_delta', models.SmallIntegerField()),
                        ('kind', models.SmallIntegerField()),
                        ('key', dataplane.metadata.models.fields.KeyField()),
                        ('version_id', models.TextField()),
                        ('etag', models.TextField()),
                    ],
                    options={
                        'db_table': 'journal',
                        'indexes': [models.Index(fields=['xid', 'id'], name='journal_order')],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name='ObjectVersionRow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('bucket_id', models.BigIntegerField()),
                ('size', models.BigIntegerField(db_default=0)),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('change', models.BigIntegerField()),
                ('retain_until', models.DateTimeField(null=True)),
                ('released_size', models.BigIntegerField(null=True)),
                ('blob_id', models.UUIDField(null=True)),
                ('released_blob_id', models.UUIDField(null=True)),
                ('part_count', models.SmallIntegerField(db_default=0)),
                ('is_current', models.BooleanField(db_default=True)),
                ('delete_marker', models.BooleanField(db_default=False)),
                ('legal_hold', models.BooleanField(db_default=False)),
                ('key', dataplane.metadata.models.fields.KeyField()),
                ('version_id', dataplane.metadata.models.fields.KeyField(db_default='')),
                ('etag', models.TextField(db_default='')),
                ('content_type', models.TextField(null=True)),
                ('headers', models.JSONField(null=True)),
                ('user_metadata', models.JSONField(null=True)),
                ('tags', models.JSONField(null=True)),
                ('storage_class', models.TextField(null=True)),
                ('owner', models.TextField(null=True)),
                ('lock_mode', models.TextField(null=True)),
                ('checksum_algorithm', models.TextField(null=True)),
                ('checksum_value', models.TextField(null=True)),
                ('checksum_type', models.TextField(null=True)),
                ('encryption_key_id', models.TextField(null=True)),
                ('wrapped_key', models.BinaryField(null=True)),
                ('body', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'object_version',
                'indexes': [models.Index(models.F('bucket_id'), models.F('key'), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('is_current', False)), name='object_version_noncurrent')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('bucket_id', 'key'), name='object_version_current'), models.UniqueConstraint(condition=models.Q(models.Q(('version_id', ''), _negated=True), ('is_current', False), _connector='OR'), fields=('bucket_id', 'key', 'version_id'), name='object_version_by_id')],
            },
        ),
        migrations.CreateModel(
            name='TaskRow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('due', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('attempts', models.IntegerField(db_default=0)),
                ('dead', models.BooleanField(db_default=False)),
                ('kind', models.TextField()),
                ('payload', models.JSONField()),
                ('holder', models.TextField(null=True)),
                ('last_error', models.TextField(null=True)),
            ],
            options={
                'db_table': 'task',
                'abstract': False,
                'indexes': [models.Index(condition=models.Q(('dead', False)), fields=['kind', 'due'], name='taskrow_due'), models.Index(condition=models.Q(('dead', True)), fields=['kind'], name='taskrow_dead')],
            },
        ),
        migrations.CreateModel(
            name='UploadRow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('bucket_id', models.BigIntegerField()),
                ('created', models.DateTimeField(db_default=dataplane.metadata.models.fields.ClockTimestamp())),
                ('completed', models.DateTimeField(null=True)),
                ('retain_until', models.DateTimeField(null=True)),
                ('legal_hold', models.BooleanField(db_default=False)),
                ('key', dataplane.metadata.models.fields.KeyField()),
                ('upload_id', dataplane.metadata.models.fields.KeyField()),
                ('content_type', models.TextField(null=True)),
                ('headers', models.JSONField(null=True)),
                ('user_metadata', models.JSONField(null=True)),
                ('tags', models.JSONField(null=True)),
                ('storage_class', models.TextField(null=True)),
                ('owner', models.TextField(null=True)),
                ('lock_mode', models.TextField(null=True)),
                ('checksum_algorithm', models.TextField(null=True)),
                ('checksum_type', models.TextField(null=True)),
                ('result_version_id', models.TextField(null=True)),
                ('result_etag', models.TextField(null=True)),
            ],
            options={
                'db_table': 'upload',
                'indexes': [models.Index(condition=models.Q(('completed', None), _negated=True), fields=['completed'], name='upload_completed')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('completed', None)), fields=('bucket_id', 'key', 'upload_id'), name='upload_open'), models.UniqueConstraint(fields=('upload_id',), name='upload_by_id')],
            },
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
