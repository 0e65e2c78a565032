"""Changed migrations of Django, Alembic, Rails and plain SQL: found, read, and never run."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.context import migrations
from approvals.context.migrations import choose, is_migration, read_migrations
from approvals.context.migrations_sql import MOST


@pytest.mark.parametrize(
    "path",
    [
        "shop/migrations/0002_total.py",
        "migrations/20260101_orders.sql",
        "prisma/migrations/20260101/migration.sql",
        "db/migrate/20260101000000_add_total.rb",
        "backend/db/migrate/1_a.rb",
        "alembic/versions/ab12_total.py",
        "src/main/resources/db/migration/V2__total.sql",
        "database/migrations/2026_01_01_orders.php",
        "DB/Migrate/1.rb",
        "shop/migrations",  # a link, or another repository
    ],
)
def test_a_migration_is_known_by_its_folder(path):
    assert is_migration(path)


@pytest.mark.parametrize(
    "path",
    ["migrations.py", "shop/models.py", "docs/migrations/README.md", "db/schema.rb", "",
     "alembic/env.py", "migrations/.gitkeep", "migrate/x.sql", "versions/x.py"],
)  # fmt: skip
def test_what_stands_elsewhere_is_none(path):
    assert not is_migration(path)


def read(path, text):
    return read_migrations({path: textwrap.dedent(text).encode()}, {})


def django(*operations, before="", inside=""):
    listed = ",\n        ".join(operations)
    return (
        f"from django.db import migrations, models\n{before}\n\n"
        f"class Migration(migrations.Migration):\n    dependencies = []\n{inside}"
        f"    operations = [\n        {listed},\n    ]\n"
    )


def kinds(found):
    return {name for name in ("drops", "locks", "unreadable") if getattr(found, name)}


DJANGO = [
    ("migrations.RemoveField('order', 'total')", "drops"),
    ("migrations.DeleteModel(name='Order')", "drops"),
    ("migrations.RemoveConstraint('order', 'positive')", "drops"),
    ("migrations.AlterField('order', 'total', models.BigIntegerField())", "locks"),
    ("migrations.AddIndex('order', models.Index(fields=['day'], name='i'))", "locks"),
    ("migrations.AddConstraint('order', models.UniqueConstraint(fields=['a'], name='u'))", "locks"),
    ("migrations.AddField('order', 'line', models.ForeignKey('Line', models.CASCADE))", "locks"),
    ("migrations.AddField('order', 'code', models.CharField(max_length=9, unique=True))", "locks"),
    ("migrations.AddField('order', 'note', models.TextField(default=''))", ""),
    ("migrations.RunSQL('DROP TABLE shop_order')", "drops"),
    ("migrations.RunSQL(sql=['SELECT 1', ('DELETE FROM shop_order', None)])", "drops"),
    ("migrations.RunSQL('CREATE INDEX i ON shop_order (a)', 'DROP INDEX i')", "locks"),
    ("migrations.RunSQL('SELECT 1', reverse_sql='DROP TABLE shop_order')", ""),
    ("migrations.RunSQL('SELECT 1', reverse_sql=cursor.execute('DROP TABLE a'))", "drops"),
    ("migrations.RunSQL('SELECT 1', cursor.execute('DROP TABLE a'))", "drops"),
    ("migrations.RunSQL(migrations.RunSQL.noop)", ""),
    ("migrations.RunSQL('DROP TABLE ' + name)", "unreadable"),
    ("migrations.RunSQL(open('x.sql').read())", "unreadable"),
    ("migrations.RunSQL(f'DROP TABLE {name}')", "unreadable"),
    ("migrations.RunPython(elsewhere)", "unreadable"),
    ("migrations.RunPython(migrations.RunPython.noop)", ""),
    ("SomethingElse()", "unreadable"),
    ("*more()", "unreadable"),
    ("getattr(migrations, 'Remove' + 'Field')('order', 'total')", "unreadable"),
    ("migrations.RenameField('order', 'total', 'sum')", ""),
    ("AddIndexConcurrently('order', models.Index(fields=['day'], name='i'))", ""),
    (
        "migrations.SeparateDatabaseAndState("
        "database_operations=[migrations.RunSQL('DROP TABLE a')])",
        "drops",
    ),
    (
        "migrations.SeparateDatabaseAndState("
        "state_operations=[migrations.RemoveField('order', 'total')])",
        "",
    ),
    ("migrations.SeparateDatabaseAndState([], [migrations.DeleteModel('Order')])", ""),
]


@pytest.mark.parametrize(("operation", "kind"), DJANGO)
def test_an_operation_of_django_is_what_it_does(operation, kind):
    found = read("shop/migrations/0002_x.py", django(operation))
    assert kinds(found) == ({kind} if kind else set())


def test_a_finding_names_the_file_and_the_operation():
    found = read("shop/migrations/0002_x.py", django("migrations.RemoveField('order', 'total')"))
    assert found.files == ("shop/migrations/0002_x.py",)
    assert found.drops == ("shop/migrations/0002_x.py: migrations.RemoveField('order', 'total'),",)


@pytest.mark.parametrize(
    ("before", "operation", "kind"),
    [
        ("from django.db.migrations import RemoveField as Tidy", "Tidy('order', 'a')", "drops"),
        ("Tidy = migrations.RemoveField", "Tidy('order', 'a')", "unreadable"),
        ("SQL = '''\nDROP TABLE a'''", "migrations.RunSQL(SQL)", "drops"),
        ("SQL = 'SELECT 1'\nSQL = sql()", "migrations.RunSQL(SQL)", "unreadable"),
        (
            "def forward(apps, schema_editor):\n    Order.objects.all().delete()",
            "migrations.RunPython(forward)",
            "drops",
        ),
        (
            "def forward(apps, schema_editor):\n    Order.objects.filter(a=1).delete()",
            "migrations.RunPython(forward)",
            "",
        ),
        (
            "def forward(apps, editor):\n    editor.execute('TRUNCATE a')",
            "migrations.RunPython(forward)",
            "drops",
        ),
        (
            "def downgrade(apps, editor):\n    editor.execute('TRUNCATE a')",
            "migrations.RunPython(downgrade)",
            "drops",
        ),
        ("from shop.tidy import CreateModel", "CreateModel('order')", "unreadable"),
        ("from .tidy import django_like", "django_like.CreateModel('order')", "unreadable"),
        ("import shop.tidy as tidy", "tidy.CreateModel('order')", "unreadable"),
        ("import uuid", "migrations.CreateModel('order', [('id', uuid.uuid4())])", ""),
        ("exec(code)", "migrations.RunPython(migrations.RunPython.noop)", "unreadable"),
    ],
)
def test_it_is_found_under_another_name_and_in_functions(before, operation, kind):
    found = read("shop/migrations/0002_x.py", django(operation, before=before))
    assert kind in kinds(found) if kind else kinds(found) == set()


@pytest.mark.parametrize(
    "body", ["operations = made()", "operations = [a] + [b]", "operations += rest", "import x"]
)
def test_operations_out_of_sight_are_unreadable(body):
    text = f"class Migration(migrations.Migration):\n    {body}\n"
    assert kinds(read("shop/migrations/0002_x.py", text)) == {"unreadable"}


def test_a_model_that_is_made_here_locks_nobody():
    made = "migrations.CreateModel(name='Order', fields=[])"
    index = "migrations.AddIndex(model_name='order', index=models.Index(fields=['a'], name='i'))"
    assert kinds(read("shop/migrations/0001_x.py", django(made, index))) == set()
    other = index.replace("'order'", "'line'")
    assert kinds(read("shop/migrations/0001_x.py", django(made, other))) == {"locks"}
    unnamed = "migrations.CreateModel(name=name(), fields=[])"
    hidden = index.replace("'order'", "table()")
    assert kinds(read("shop/migrations/0001_x.py", django(unnamed, hidden))) == {"locks"}


ALEMBIC = [
    ("op.drop_column('orders', 'total')", "drops"),
    ("op.drop_table('orders')", "drops"),
    ("op.drop_index('i')", "drops"),
    ("op.create_index('i', 'orders', ['day'])", "locks"),
    ("op.create_index('i', 'orders', ['day'], postgresql_concurrently=True)", ""),
    (
        "op.create_table('orders', sa.Column('day'))\n    op.create_index('i', 'orders', ['day'])",
        "",
    ),
    ("op.alter_column('orders', 'total', type_=sa.BigInteger())", "locks"),
    ("op.alter_column('orders', 'total', nullable=False)", "locks"),
    ("op.alter_column('orders', 'total', nullable=True)", ""),
    ("op.create_foreign_key('f', 'orders', 'lines', ['a'], ['id'])", "locks"),
    ("op.create_check_constraint('c', 'orders', 'a > 0', postgresql_not_valid=True)", ""),
    ("op.add_column('orders', sa.Column('note', sa.Text()))", ""),
    ("op.execute('DELETE FROM orders')", "drops"),
    ("op.execute(sa.text('DELETE FROM orders'))", "drops"),
    ("op.execute(statement)", "unreadable"),
    ("with op.batch_alter_table('orders') as batch:\n        batch.drop_column('total')", "drops"),
]


def alembic(up, down="op.drop_table('orders')"):
    return (
        f"from alembic import op\n\n\ndef upgrade():\n    {up}\n\n\ndef downgrade():\n    {down}\n"
    )


@pytest.mark.parametrize(("step", "kind"), ALEMBIC)
def test_a_step_of_alembic_is_what_it_does_going_forward(step, kind):
    assert kinds(read("alembic/versions/a.py", alembic(step))) == ({kind} if kind else set())


@pytest.mark.parametrize(
    "text",
    [
        alembic("downgrade()"),
        alembic("pass").replace("def upgrade", "def other"),
        alembic("pass").replace("def downgrade():", "class downgrade:"),
        alembic("pass", "pass").replace("downgrade()", "downgrade(x=op.drop_table('a'))"),
    ],
)
def test_going_back_counts_where_it_may_be_run(text):
    assert kinds(read("alembic/versions/a.py", text)) == {"drops"}


RAILS = [
    ("remove_column :orders, :total", "drops"),
    ("remove_columns :orders, :total, :sum", "drops"),
    ("drop_table :orders", "drops"),
    ("change_table(:orders) { |t| t.remove :total }", "drops"),
    ("Order.delete_all", "drops"),
    ("add_index :orders, :day", "locks"),
    ("add_index :orders,\n      :day,\n      unique: true", "locks"),
    ("add_index :orders, :day, algorithm: :concurrently", ""),
    ("add_index :orders,\n      :day,\n      algorithm: :concurrently", ""),
    ("create_table :orders do |t|\n    end\n    add_index :orders, :day", ""),
    ("create_table :orders, if_not_exists: true do |t|\n end\n add_index :orders, :day", "locks"),
    ("create_table :a; add_index :a, :b; add_index :orders, :day", "locks"),
    ("change_column :orders, :total, :bigint", "locks"),
    ("change_column_null :orders, :total, false", "locks"),
    ("change_column_null :orders, :total, true", ""),
    ("change_column_default :orders, :total, 0", ""),
    ("add_foreign_key :orders, :lines", "locks"),
    ("add_foreign_key :orders, :lines, validate: false", ""),
    ("add_check_constraint :orders, 'a > 0', name: 'c'", "locks"),
    ("add_column :orders, :note, :text", ""),
    ("# drop_table :orders", ""),
    ("execute 'TRUNCATE orders'", "drops"),
    ('execute("TRUNCATE orders")', "drops"),
    ("execute <<~SQL\n      DELETE FROM orders;\n    SQL", "drops"),
    ('execute "DROP TABLE #{name}"', "unreadable"),
    ("execute sql", "unreadable"),
    ("send(:remove_it, :orders)", "unreadable"),
]


@pytest.mark.parametrize(("step", "kind"), RAILS)
def test_a_step_of_rails_is_what_it_does(step, kind):
    text = f"class Change < ActiveRecord::Migration[7.1]\n  def change\n    {step}\n  end\nend\n"
    found = read("db/migrate/1_x.rb", text)
    assert kind in kinds(found) if kind else kinds(found) == set()


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("migrations/1.sql", b"DROP TABLE \xff", "not UTF-8 text"),
        ("migrations/1.py", b"def (", "Python that cannot be parsed"),
        ("migrations/1.py", b"x = 1\0", "Python that cannot be parsed"),
        ("migrations/1.py", b"# coding: utf-7\n", "another encoding"),
        ("migrations/1.py", b"#!/x\n# -*- coding: latin-1 -*-\n", "another encoding"),
        ("migrations/1.py", b"-" * 100_000 + b"1", "Python that cannot be parsed"),
        ("migrations/1.php", b"<?php", "nobody here reads .php"),
        ("migrations/Makefile", b"all:", "nobody here reads files without a suffix"),
        ("migrations/1.sql", b"DROP TABLE 'half", "SQL that cannot be read"),
    ],
)
def test_what_cannot_be_told_is_unreadable(path, data, why):
    (sentence,) = read_migrations({path: data}, {}).unreadable
    assert sentence.startswith(f"{path}: ")
    assert why in sentence


def test_files_that_were_not_read_and_that_are_gone_are_named():
    found = read_migrations({}, {"migrations/2.sql": "too large"}, ["migrations/1.sql"])
    assert found.files == ("migrations/1.sql", "migrations/2.sql")
    assert found.unreadable == ("migrations/2.sql: too large",)


def test_what_is_too_large_or_too_much_is_not_read(monkeypatch):
    monkeypatch.setattr(migrations, "LARGEST", 100)
    monkeypatch.setattr(migrations, "MOST_BYTES", 250)
    monkeypatch.setattr(migrations, "MOST_FILES", 3)
    chosen, refused = choose({"a": 101, "b": 100, "c": 100, "d": 100, "e": 10, "f": 1})
    assert chosen == ["b", "c", "e"]
    assert refused == {
        "a": "more than 100 bytes",
        "d": "too many migrations at once",
        "f": "too many migrations at once",
    }


def test_what_there_is_no_time_for_is_unreadable(monkeypatch):
    monkeypatch.setattr(migrations, "SECONDS", -1)
    found = read_migrations({"migrations/1.sql": b"DROP TABLE a"}, {})
    assert found.unreadable == ("migrations/1.sql: no time was left to read it",)


def test_there_is_an_end_to_findings():
    text = ";\n".join(f"DROP TABLE a{number}" for number in range(MOST + 50))
    found = read("migrations/1.sql", text)
    assert len(found.drops) == MOST + 1
    assert found.drops[-1] == "… and more"


def test_hostile_text_is_shown():
    (drop,) = read("migrations/1.sql", "DROP TABLE \u202eorders").drops
    assert drop == "migrations/1.sql: DROP TABLE ⟨U+202E⟩orders"


@given(st.sampled_from([".sql", ".py", ".rb", ".go"]), st.binary(max_size=120))
def test_any_bytes_are_read(suffix, data):
    read_migrations({f"migrations/1{suffix}": data}, {})


pieces = [*(step for step, _ in DJANGO + ALEMBIC + RAILS), "\n", "(", ")", '"', "'", "[", "]", "#"]


@given(st.sampled_from([".py", ".rb"]), st.lists(st.sampled_from(pieces), max_size=8))
def test_any_mixture_is_read(suffix, parts):
    read_migrations({f"migrations/1{suffix}": "\n".join(parts).encode()}, {})
