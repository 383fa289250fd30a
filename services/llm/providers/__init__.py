"""The language models, one row each. See parley.engines."""

from parley.engines import EngineSpec, Price

ENGINES = {
    "openai": EngineSpec(
        loads="services.llm.providers.openai:OpenAI",
        settings="services.llm.providers.openai_settings:OpenAISettings",
        vendor=True,
        needs=("openai",),
        price=Price(input_million=0.40, output_million=1.60),
        models={
            "gpt-4.1": Price(input_million=2.00, output_million=8.00),
            "gpt-4.1-mini": Price(input_million=0.40, output_million=1.60),
            "gpt-4.1-nano": Price(input_million=0.10, output_million=0.40),
            "gpt-4o": Price(input_million=2.50, output_million=10.00),
            "gpt-4o-mini": Price(input_million=0.15, output_million=0.60),
            "gpt-5": Price(input_million=1.25, output_million=10.00),
            "gpt-5-mini": Price(input_million=0.25, output_million=2.00),
            "gpt-5-nano": Price(input_million=0.05, output_million=0.40),
        },
    ),
    "local": EngineSpec(loads="services.llm.providers.local:Local", needs=("onnxruntime", "tokenizers")),
}
