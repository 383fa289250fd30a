"""Engines of the llm service, by the names used in PARLEY_LLM."""

KNOWN = {
    "openai": "services.llm.providers.openai:OpenAI",
    "local": "services.llm.providers.local:Local",
}
