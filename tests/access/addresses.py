"""The table: each address, and what each kind of person gets there.

Read a row as: name of the address | GET | POST of a filled form. The seven columns of each half are
anonymous, outsider, viewer, approver, maintainer, administrator, auditor. One number alone stands
for all seven. 302 for the anonymous is the way to the sign-in.
"""

PAGES = """
queue                      | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
queue-row                  | 302 204 204 200 204 204 204 | 302 405 405 405 405 405 405
requests                   | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
request                    | 302 404 200 200 200 200 200 | 302 405 405 405 405 405 405
request-live               | 302 404 200 200 200 200 200 | 302 405 405 405 405 405 405
decide                     | 302 405 405 405 405 405 405 | 302 404 403 303 403 403 403
withdraw                   | 302 405 405 405 405 405 405 | 302 404 403 403 303 303 403
revoke                     | 302 405 405 405 405 405 405 | 302 404 409 409 409 409 409
projects                   | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
project-new                | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
project                    | 302 404 200 404 200 200 200 | 302 405 405 405 405 405 405
project-edit               | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
project-archive            | 302 404 403 404 403 200 403 | 302 404 403 404 403 302 403
project-restore            | 302 404 403 404 403 200 403 | 302 404 403 404 403 302 403
project-roles              | 302 404 200 404 200 200 200 | 302 404 403 404 403 422 403
project-role-revoke        | 302 404 403 404 403 200 403 | 302 404 403 404 403 302 403
environment-new            | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
environment-edit           | 302 404 403 404 200 200 403 | 302 404 403 404 302 422 403
environment-archive        | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
environment-restore        | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
environment-roles          | 302 404 200 404 200 200 200 | 302 404 403 404 403 422 403
environment-role-revoke    | 302 404 403 404 403 200 403 | 302 404 403 404 403 302 403
service-account-new        | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
service-account            | 302 404 200 404 200 200 200 | 302 405 405 405 405 405 405
service-account-edit       | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
service-account-deactivate | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
service-account-reactivate | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
token-new                  | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
token-revoke               | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
project-sources            | 302 404 200 404 200 200 200 | 302 405 405 405 405 405 405
connections                | 302 404 403 404 200 200 403 | 302 405 405 405 405 405 405
connection-kinds           | 302 404 403 404 200 200 403 | 302 405 405 405 405 405 405
connection-new             | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
connection                 | 302 404 403 404 200 200 403 | 302 405 405 405 405 405 405
connection-edit            | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
connection-test            | 302 405 405 405 405 405 405 | 302 404 403 404 200 200 403
connection-pause           | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
connection-hook            | 302 404 403 404 200 200 403 | 302 404 403 404 200 200 403
connection-resume          | 302 405 405 405 405 405 405 | 302 404 403 404 302 302 403
connection-archive         | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
organisation-connections   | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
organisation-connection-kinds | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
organisation-connection-new | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
seal                       | 302 403 403 403 403 403 200 | 302 405 405 405 405 405 405
groups                     | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
group-new                  | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
group                      | 302 200 200 200 200 200 200 | 302 403 403 403 403 422 403
group-edit                 | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
group-roles                | 302 200 200 200 200 200 200 | 302 403 403 403 403 422 403
group-role-revoke          | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
member-remove              | 302 403 403 200 403 200 403 | 302 403 403 302 403 302 403
people                     | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
person-new                 | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
person                     | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
person-edit                | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
person-deactivate          | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
person-reactivate          | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
person-password            | 302 403 403 403 403 200 403 | 302 403 403 403 403 200 403
portal-roles               | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
portal-role-revoke         | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
preferences                | 302 200 200 200 200 200 200 | 302 422 422 422 422 422 422
policies                   | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
policy-facts               | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
policy-new                 | 302 403 403 403 200 200 403 | 302 403 403 403 422 422 403
policy-new-check           | 302 405 405 405 405 405 405 | 302 403 403 403 200 200 403
policy-new-format          | 302 405 405 405 405 405 405 | 302 403 403 403 200 200 403
policy-try                 | 302 405 405 405 405 405 405 | 302 403 403 403 200 200 403
policy                     | 302 404 200 200 200 200 200 | 302 405 405 405 405 405 405
policy-retire              | 302 404 403 403 403 200 403 | 302 404 403 403 403 422 403
policy-roles               | 302 404 200 200 200 200 200 | 302 404 403 403 403 422 403
policy-role-revoke         | 302 404 403 403 403 200 403 | 302 404 403 403 403 302 403
policy-version-new         | 302 404 403 403 403 200 403 | 302 404 403 403 403 422 403
policy-version-new-check   | 302 405 405 405 405 405 405 | 302 404 403 403 403 200 403
policy-version-new-format  | 302 405 405 405 405 405 405 | 302 404 403 403 403 200 403
policy-version-try         | 302 404 200 200 200 200 200 | 302 404 200 200 200 200 200
policy-version             | 302 404 200 200 200 200 200 | 302 405 405 405 405 405 405
policy-sources             | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
policy-source-new          | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
policy-source              | 302 403 403 403 403 200 403 | 302 405 405 405 405 405 405
policy-source-edit         | 302 403 403 403 403 200 403 | 302 403 403 403 403 422 403
policy-source-remove       | 302 403 403 403 403 200 403 | 302 403 403 403 403 302 403
policy-source-publish      | 302 405 405 405 405 405 405 | 302 403 403 403 403 302 403
policy-version-publish     | 302 404 403 403 403 200 403 | 302 404 403 403 403 409 403
freezes                    | 302 200 200 200 200 200 200 | 302 405 405 405 405 405 405
freeze-new                 | 302 403 403 403 200 200 403 | 302 403 403 403 422 422 403
freeze-exception-new       | 302 403 403 403 200 200 403 | 302 403 403 403 422 422 403
freeze-import              | 302 403 403 403 200 200 403 | 302 403 403 403 422 422 403
freeze-import-confirm      | 302 405 405 405 405 405 405 | 302 403 403 403 409 409 403
freeze-calendar-new        | 302 403 403 403 200 200 403 | 302 403 403 403 422 422 403
freeze-feeds               | 302 200 200 200 200 200 200 | 302 422 422 422 422 422 422
freeze-feed-revoke         | 302 404 404 404 404 200 404 | 302 404 404 404 404 302 404
freeze                     | 302 404 200 404 200 200 200 | 302 405 405 405 405 405 405
freeze-edit                | 302 404 403 404 200 200 403 | 302 404 403 404 422 422 403
freeze-end                 | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
freeze-remove              | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
freeze-exception-revoke    | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
freeze-calendar-read       | 302 405 405 405 405 405 405 | 302 404 403 404 302 302 403
freeze-calendar-remove     | 302 404 403 404 200 200 403 | 302 404 403 404 302 302 403
backtests                  | 302 404 403 403 403 200 403 | 302 404 403 403 403 422 403
backtest                   | 302 404 403 403 403 200 403 | 302 405 405 405 405 405 405
backtest-seen              | 302 405 405 405 405 405 405 | 302 404 403 403 403 302 403
backtest-cancel            | 302 405 405 405 405 405 405 | 302 404 403 403 403 302 403
backtest-again             | 302 405 405 405 405 405 405 | 302 404 403 403 403 302 403
backtest-csv               | 302 404 403 403 403 200 403 | 302 405 405 405 405 405 405
backtest-json              | 302 404 403 403 403 200 403 | 302 405 405 405 405 405 405
account_login              | 200 302 302 302 302 302 302 | 200 302 302 302 302 302 302
account_logout             | 302 200 200 200 200 200 200 | 302 302 302 302 302 302 302
account_inactive           | 200                         | 405
account_reauthenticate     | 302 200 200 200 200 200 200 | 302 200 200 200 200 200 200
account_change_password    | 302 200 200 200 200 200 200 | 302 200 200 200 200 200 200
account_signup             | 404                         | 404
account_email              | 404                         | 404
account_email_verification_sent | 404                    | 404
account_set_password       | 404                         | 404
account_reset_password     | 404                         | 404
"""

# A session opens nothing here: the API knows tokens only, the rest is public.
MACHINES = """
healthz                    | 200 | 200
keys                       | 200 | 405
client-file                | 200 | 405
problems                   | 200 | 405
freeze-feed                | 200 | 405
hook                       | 405 | 401
admission                  | 405 | 401
admission-secret           | 405 | 401
api:api-root               | 404 | 404
api:openapi-json           | 200 | 405
api:openapi-view           | 200 | 405
api:submit                 | 405 | 401
api:read                   | 401 | 405
api:stream                 | 401 | 405
api:redeem                 | 405 | 401
api:withdraw               | 405 | 401
api:beat                   | 405 | 401
api:finish                 | 405 | 401
api:facts                  | 401 | 405
api:check_policy           | 405 | 401
api:explain_policy         | 405 | 401
api:backtest_policy        | 405 | 401
api:gate                   | 405 | 401
"""

# Addresses that name something of another project, on which shop's viewer and maintainer have no
# role. The approver is asked by the other project's request as well, so that one is theirs to see.
ELSEWHERE = """
project                    | 302 404 404 404 404 200 200 | 302 405 405 405 405 405 405
project-edit               | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
project-archive            | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
project-restore            | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
project-roles              | 302 404 404 404 404 200 200 | 302 404 404 404 404 422 403
project-role-revoke        | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
environment-new            | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
environment-edit           | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
environment-archive        | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
environment-restore        | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
environment-roles          | 302 404 404 404 404 200 200 | 302 404 404 404 404 422 403
environment-role-revoke    | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
service-account-new        | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
service-account            | 302 404 404 404 404 200 200 | 302 405 405 405 405 405 405
service-account-edit       | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
service-account-deactivate | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
service-account-reactivate | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
token-new                  | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
token-revoke               | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
project-sources            | 302 404 404 404 404 200 200 | 302 405 405 405 405 405 405
connections                | 302 404 404 404 404 200 403 | 302 405 405 405 405 405 405
connection-kinds           | 302 404 404 404 404 200 403 | 302 405 405 405 405 405 405
connection-new             | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
connection                 | 302 404 404 404 404 200 403 | 302 405 405 405 405 405 405
connection-edit            | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
connection-test            | 302 405 405 405 405 405 405 | 302 404 404 404 404 200 403
connection-pause           | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
connection-hook            | 302 404 404 404 404 200 403 | 302 404 404 404 404 200 403
connection-resume          | 302 405 405 405 405 405 405 | 302 404 404 404 404 302 403
connection-archive         | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
queue-row                  | 302 204 204 200 204 204 204 | 302 405 405 405 405 405 405
request                    | 302 404 404 200 404 200 200 | 302 405 405 405 405 405 405
request-live               | 302 404 404 200 404 200 200 | 302 405 405 405 405 405 405
decide                     | 302 405 405 405 405 405 405 | 302 404 404 303 404 403 403
withdraw                   | 302 405 405 405 405 405 405 | 302 404 404 403 404 303 403
revoke                     | 302 405 405 405 405 405 405 | 302 404 404 409 404 409 409
freeze                     | 302 404 404 404 404 200 200 | 302 405 405 405 405 405 405
freeze-edit                | 302 404 404 404 404 200 403 | 302 404 404 404 404 422 403
freeze-end                 | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
freeze-remove              | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
freeze-exception-revoke    | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
freeze-calendar-read       | 302 405 405 405 405 405 405 | 302 404 404 404 404 302 403
freeze-calendar-remove     | 302 404 404 404 404 200 403 | 302 404 404 404 404 302 403
"""


def rows(table: str) -> dict[str, tuple[list[int], list[int]]]:
    """`{name: (GET, POST)}`, each with one status for every persona."""
    found = {}
    for line in table.strip().splitlines():
        name, get, post = (part.strip() for part in line.split("|"))
        found[name] = (_seven(get), _seven(post))
    return found


def _seven(text: str) -> list[int]:
    numbers = [int(number) for number in text.split()]
    return numbers * 7 if len(numbers) == 1 else numbers
