"""What managers said in access reviews, and what nobody answered."""

from django.utils.translation import gettext_lazy as _

from approvals.audit.reports.report import Column, Report

# A group belongs to no project: who audits one project reads the answers on its members too.
_SQL = """
SELECT
    review.name AS review, review.started_at AS started, review.due_at AS due,
    review.finished_at AS finished, person.name AS person, person.username AS username,
    CASE WHEN item.role = '' THEN 'member' ELSE item.role END AS role, item.place AS place,
    CASE WHEN item.outcome <> '' THEN item.outcome
         WHEN review.due_at <= now() THEN 'overdue' ELSE 'open' END AS answer,
    manager.name AS answered_by, item.answered_at AS answered
FROM portal_reviewitem item
JOIN portal_accessreview review ON review.id = item.review_id
JOIN portal_user person ON person.id = item.person_id
LEFT JOIN portal_user manager ON manager.id = item.answered_by_id
LEFT JOIN portal_environment environment
    ON item.kind = 'environment' AND environment.id::text = item.object_id
LEFT JOIN portal_project project
    ON project.id = environment.project_id
    OR (item.kind = 'project' AND project.id::text = item.object_id)
WHERE (%(projects)s::uuid[] IS NULL OR item.group_id IS NOT NULL
       OR project.id = ANY(%(projects)s::uuid[]))
    AND (%(environment)s::uuid IS NULL OR environment.id = %(environment)s::uuid)
ORDER BY review.started_at, review.id, item.place, item.role, person.name, item.id
"""

REPORT = Report(
    name="review-answers",
    title=_("Answers of access reviews"),
    help=_("Every membership and role that managers looked at in an access review: kept, removed, "
           "ended meanwhile, or not answered by its date, and by whom."),
    columns=(
        Column("review", _("Review")),
        Column("started", _("Started"), "time"),
        Column("due", _("Due"), "time"),
        Column("finished", _("Finished"), "time"),
        Column("person", _("Person")),
        Column("username", _("Signs in as")),
        Column("role", _("Role or member")),
        Column("place", _("On")),
        Column("answer", _("Answer")),
        Column("answered_by", _("Answered by")),
        Column("answered", _("When"), "time"),
    ),
    sql=_SQL,
    by="answer",
    periodic=False,
)  # fmt: skip
