"""What the model stand-in says in these calls."""

from tests.sims.openai_script import Rule, by_rules

HISTORY = (
    "The shop was founded long ago by two sisters who loved old bicycles and wide roads, and since then "
    "it has moved twice, burned down once, and taught half of the town how to ride without falling over."
)

SCRIPT = by_rules(
    [
        Rule(heard=r"order (?:number )?(\d+)", call="check_order_status", arguments={"order_number": "{1}"}),
        Rule(heard=r"a person", call="transfer_to_human"),
        Rule(heard=r"goodbye", call="end_call"),
        Rule(heard=r"color", say="The bicycle is green."),
        Rule(heard=r"history", say=HISTORY),
        Rule(heard=r"^(\d+)$", say="You pressed {1}."),
        Rule(told=r'"summary": ?"([^"]+)"', say="{1}"),
        Rule(told=r'"message": ?"([^"]+)"', say="{1}"),
    ]
)
