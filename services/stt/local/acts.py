"""What callers say to any front desk: templates with a weight each, in the syntax of `parley.text.phrases`.

Slots here are kinds: {digits} {quantity} {clock} {day} {name} {letters}.
"""

from __future__ import annotations

OPENINGS = (
    "[hi|hello|hey|good morning|good afternoon|good evening]",
    "[um|uh|so|well|okay|yes|yeah|no|sorry|actually|and|great|right|all right]",
    "[hi|hello] there",
    "[i|i would] [want|like] to [know|ask|find out]",
    "i [want|need|would like] to",
    "[can|could|would] you [please|] [tell me|help me with|check]",
    "[can|could|may] i [please|] [ask|know]",
    "[please|] [tell me|let me know|check]",
    "do you know",
    "i was wondering",
    "i am calling [about|because|to ask|to find out]",
    "i have a question [about|]",
)
CLOSINGS = (
    "please",
    "thanks",
    "thank you",
    "today",
    "for me",
    "for me please",
    "if possible",
    "right now",
    "thank you very much",
)

ACTS: tuple[tuple[float, str], ...] = (
    (3.0, "[yes|yeah|yep|yup|sure|okay|correct|right|of course|absolutely|exactly|definitely|please]"),
    (2.0, "[yes|yeah] [please|that is [right|correct|it|fine]|go ahead|i do|i am|it is|i would|of course|thank you]"),
    (1.5, "[that is|that's] [right|correct|fine|it|all|all for now|great|good|perfect|wrong|not right|okay]"),
    (3.0, "[no|nope|no no|not really|not yet|not now|never mind|nothing]"),
    (1.5, "no [thanks|thank you|that is [all|it|wrong|not right|everything]|i [do not|don't]|not [today|now]|i "
          "am [fine|good]|it is not]"),
    (1.5, "no thank you [that is [all|it|everything]|goodbye|bye]"),
    (1.0, "[no|] [that is|that's|that will be] [all|everything|it] [for now|for today|] [thanks|thank you|goodbye|]"),
    (1.5, "[thanks|thank you] [very much|so much|a lot|] [for your help|bye|goodbye|]"),
    (2.0, "[goodbye|bye|bye bye|see you|have a [nice|good] day|talk to you later]"),
    (1.0, "[okay|great|perfect|good|all right|wonderful|excellent] [thanks|thank you|goodbye|bye|got it|]"),
    (1.5, "[sorry|pardon|excuse me|what|huh|what was that|what did you say]"),
    (1.5, "[can|could] you [please|] [repeat [that|it]|say that again|speak [up|slowly|more slowly|louder]] [please|]"),
    (1.0, "[please|] [repeat [that|]|say that again|say it again|one more time|again]"),
    (1.0, "[i|sorry i] [did not|didn't|do not|don't|could not|couldn't|can not] [hear|understand|get|catch] "
          "[you|that|it]"),
    (1.0, "[one moment|just a moment|wait|wait a [minute|second]|hold on|hang on|stop|let me [check|see|think|"
          "look]|give me a second]"),
    (1.0, "[i|] [do not|don't] [know|remember|have [it|that|one]|think so]"),
    (1.0, "[i am|i'm] not sure"),
    (1.5, "[hello|hi|hey|good morning|good afternoon|good evening|are you there|hello is anyone there]"),
    (1.0, "[help|help me|i need help|i need some help|can you help me|what can you do|what can i say]"),
    (0.8, "[are you|is this|am i talking to] a [robot|computer|machine|real person|human|person|bot]"),
    (2.0, "[can|could|may] i [please|] [speak|talk] [to|with] [a|an|the|some|your] [human|person|real person|"
          "agent|operator|representative|manager|colleague|someone|member of staff|human being]"),
    (2.0, "[i want|i need|i would like|i'd like|let me] to [speak|talk] [to|with] [a|an|the] [human|person|"
          "real person|agent|operator|representative|manager|human agent|human being] [please|]"),
    (1.0, "[can|could|would] you [please|] [transfer|connect|put] me [to|through to] [a|an|the] [human|person|"
          "agent|operator|representative|manager|colleague]"),
    (1.0, "[please|] [transfer|connect|put] me [to|through to] [a|an|the|someone] [human|person|agent|operator|"
          "manager|somebody]"),
    (0.8, "[agent|operator|representative|human|real person|manager|customer service] [please|]"),
    (1.0, "[cancel|start over|go back|forget it|never mind|change it|that is wrong]"),
    (2.0, "{digits}"),
    (1.0, "[it is|it's|that is|that's|the number is|my number is|number|yes|no|it was|i think it is] {digits}"),
    (0.8, "[my|the] [phone|telephone|account|customer|card|zip|] [number|code] is {digits}"),
    (0.6, "{quantity}"),
    (0.8, "[at|around|about|after|before|by|until|] {clock}"),
    (0.8, "[on|for|by|] {day}"),
    (0.8, "{day} [at|around|] {clock}"),
    (0.4, "[my name is|this is|it is|i am|the name is|under the name|] {name}"),
    (0.2, "[it is|that is|my name is|] {letters}"),
    (0.1, "{name} [that is|spelled] {letters}"),
)  # fmt: skip

ABOUT: tuple[str, ...] = (
    "{topic}",
    "[do|can] you [have|sell|offer|do|provide|take|fix|make|help with] [a|any|the|] {topic}",
    "[is|are] [there|the|your] {topic} [available|included|possible|open|free|]",
    "how much [is|are|does|do|for] [a|the|your|] {topic} [cost|]",
    "how long does [a|the|] {topic} take",
    "what is [your|the] {topic} [policy|price|]",
    "what [about|are] [the|your|] {topic}",
    "[tell me|i have a question|can you tell me|i would like to know|i want to know] about [your|the|a|] {topic}",
    "i [need|want|am looking for|would like|have] [a|an|some|the|my] {topic}",
    "[where|when] [is|are|can i get] [the|your|my|a|] {topic}",
)

FIRST_NAMES = (
    "james", "mary", "john", "patricia", "robert", "jennifer", "michael", "linda", "david", "elizabeth",
    "william", "barbara", "richard", "susan", "joseph", "jessica", "thomas", "sarah", "charles", "karen",
    "daniel", "lisa", "matthew", "nancy", "anthony", "betty", "mark", "sandra", "paul", "ashley", "steven",
    "emily", "andrew", "kim", "george", "anna", "kevin", "emma", "brian", "laura", "edward", "amy", "peter",
    "maria", "henry", "olivia", "jack", "sophia", "adam", "julia", "alex", "chris", "sam", "max", "tom", "ben",
    "kate", "jane", "alice", "lucy", "grace", "rachel",
)  # fmt: skip
LAST_NAMES = (
    "smith", "johnson", "williams", "brown", "jones", "garcia", "miller", "davis", "martinez", "wilson",
    "anderson", "taylor", "thomas", "moore", "jackson", "martin", "lee", "thompson", "white", "harris", "clark",
    "lewis", "robinson", "walker", "young", "allen", "king", "wright", "scott", "green", "baker", "adams",
    "nelson", "hill", "campbell", "mitchell", "roberts", "carter", "phillips", "evans", "turner", "parker",
    "collins", "edwards", "stewart", "morris", "murphy", "cook", "rogers", "cooper", "reed", "bailey", "bell",
    "ward",
)  # fmt: skip
